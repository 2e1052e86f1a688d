// What gRPC tools ask a server: which services it has, and what they look like. Files go out as they were compiled, so options
// such as an rpc's access are in them.

import type {
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '@ansflow/proto/gen/grpc/reflection/v1/reflection_pb'
import { type DescEnum, type DescFile, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { status } from '@grpc/grpc-js'

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>

/** Answers questions about these files and all that they import. */
export function createReflection(roots: DescFile[]): (request: ServerReflectionRequest) => Answer {
  const files = new Map<string, DescFile>()
  const symbols = new Map<string, DescFile>()
  const extensions = new Map<string, Map<number, DescFile>>()
  for (const root of roots) for (const file of withImports(root)) files.set(file.proto.name, file)
  for (const file of files.values()) {
    for (const name of namesIn(file)) symbols.set(name, file)
    for (const { extendee, number } of [...file.extensions, ...everyMessage(file).flatMap((m) => m.nestedExtensions)]) {
      const known = extensions.get(extendee.typeName) ?? new Map<number, DescFile>()
      extensions.set(extendee.typeName, known.set(number, file))
    }
  }
  const services = [...files.values()].flatMap((file) => file.services.map(({ typeName: name }) => ({ name })))

  return ({ messageRequest: { case: kind, value } }) => {
    switch (kind) {
      case 'listServices':
        return { case: 'listServicesResponse', value: { service: services } }
      case 'fileByFilename':
        return fileAnswer(files.get(value), `file ${value}`)
      case 'fileContainingSymbol':
        return fileAnswer(symbols.get(value), `symbol ${value}`)
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = value
        const file = extensions.get(containingType)?.get(extensionNumber)
        return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`)
      }
      case 'allExtensionNumbersOfType': {
        if (!symbols.has(value)) return notFound(`message ${value}`)
        const extensionNumber = [...(extensions.get(value)?.keys() ?? [])]
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value, extensionNumber } }
      }
      default:
        return { case: 'errorResponse', value: { errorCode: status.UNIMPLEMENTED, errorMessage: 'Ask for something.' } }
    }
  }
}

function fileAnswer(file: DescFile | undefined, what: string): Answer {
  if (!file) return notFound(what)
  const fileDescriptorProto = withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } }
}

function notFound(what: string): Answer {
  return { case: 'errorResponse', value: { errorCode: status.NOT_FOUND, errorMessage: `There is no ${what} here.` } }
}

/** The file first. */
function withImports(file: DescFile): DescFile[] {
  const found = new Set([file])
  for (const each of found) for (const imported of each.dependencies) found.add(imported)
  return [...found]
}

function everyMessage({ messages }: { messages: DescMessage[] }): DescMessage[] {
  return messages.flatMap((message) => [message, ...everyMessage({ messages: message.nestedMessages })])
}

function namesIn(file: DescFile): string[] {
  const messages = everyMessage(file)
  const enums = [...file.enums, ...messages.flatMap((message) => message.nestedEnums)]
  return [
    ...file.services.flatMap(({ typeName, methods }) => [
      typeName,
      ...methods.map(({ name }) => `${typeName}.${name}`),
    ]),
    ...messages.flatMap(({ typeName, fields, oneofs }) => [
      typeName,
      ...[...fields, ...oneofs].map(({ name }) => `${typeName}.${name}`),
    ]),
    ...enums.flatMap((each) => [each.typeName, ...each.values.map(({ name }) => scopeOf(each) + name)]),
    ...[...file.extensions, ...messages.flatMap((message) => message.nestedExtensions)].map(({ typeName }) => typeName),
  ]
}

/** Values of an enum stand beside it, not in it. */
function scopeOf({ typeName, name }: DescEnum): string {
  return typeName.slice(0, typeName.length - name.length)
}

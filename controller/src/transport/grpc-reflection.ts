// What gRPC tools ask a server: which services it has, and what they look like.
import { type DescFile, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ReflectionService } from '@grpc/reflection'
import type { ServiceTable } from './call.ts'

export function reflection(tables: ServiceTable[]): ReflectionService {
  const files = new Map<string, DescFile>()
  const add = (file: DescFile) => {
    if (files.has(file.name)) return
    files.set(file.name, file)
    for (const dependency of file.dependencies) add(dependency)
  }
  for (const { service } of tables) add(service.file)
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  )
  return new ReflectionService(
    { ansflow: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos } },
    { services: tables.map(({ service }) => service.typeName) },
  )
}

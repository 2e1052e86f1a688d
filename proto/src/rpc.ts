// Types of a service's two ends, computed from its descriptor: nothing about a method is written twice.
import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'

/**
 * The handler table of a service: one function a method. Unary methods answer a promise, server streams an async iterable.
 * What they throw is an AppError or becomes `internal`. `Context` is the transport's call context.
 */
export type Handlers<S extends DescService, Context> = {
  [M in keyof S['method']]: S['method'][M] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, ctx: Context) => Promise<MessageInitShape<O>>
    : S['method'][M] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, ctx: Context) => AsyncIterable<MessageInitShape<O>>
      : never
}

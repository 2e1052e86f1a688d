// Comments on the pull request 7, listed, made and changed as each forge has them. All that AnsFlow writes is by ann, or by its app.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import {
  type FakeComment,
  missing,
  object,
  pageOf,
  type Remembered,
  type Route,
  text,
  WrongRequest,
} from './fake-forge.ts'
import { newId, repositoryName } from './fake-records.ts'

/** GitHub takes no longer one. */
const longest = 65_536

export interface CommentsOf {
  list: RegExp
  /** With the id. */
  each: RegExp
  change: 'PATCH' | 'PUT'
  /** Of the query; empty: there are no pages. */
  pageSize: string
  /** Where the text stands in what is sent, and who has written it in what is answered. */
  text: 'body' | 'content.raw'
  author: 'user.login' | 'user.nickname' | 'author.username'
  /** The list is in an object. */
  inValues?: true
}

export function commentRoutes(remembered: Remembered, of: CommentsOf): Route[] {
  const shown = ({ id, body, author }: FakeComment): JsonObject => {
    const [who, name] = of.author.split('.') as [string, string]
    const said = of.text === 'body' ? { body } : { content: { raw: body } }
    return { id: Number(id), ...said, [who]: { [name]: author } }
  }
  const read = (body: JsonObject): string => {
    const said = of.text === 'body' ? text(body, 'body') : text(object(body, 'content'), 'raw')
    if (said.length > longest) throw new WrongRequest('the comment is too long')
    return said
  }
  return [
    [
      'GET',
      of.list,
      (_, { query }) => {
        const { comments } = remembered
        const page = (of.pageSize === '' ? comments : pageOf(comments, query, of.pageSize, 100)).map(shown)
        return { body: of.inValues ? { values: page as JsonValue } : page }
      },
    ],
    [
      'POST',
      of.list,
      (_, { body }) => {
        const made = {
          repository: repositoryName,
          number: 7,
          id: newId(),
          author: remembered.account,
          body: read(body),
        }
        remembered.comments.push(made)
        return { status: 201, body: shown(made) }
      },
    ],
    [
      of.change,
      of.each,
      ([id = ''], { body }) => {
        const comment = remembered.comments.find((each) => each.id === id)
        if (!comment) return missing
        if (comment.author !== remembered.account) return { status: 403, body: { message: 'Not yours' } }
        return { body: shown(Object.assign(comment, { body: read(body) })) }
      },
    ],
  ]
}

// Bodies as they are kept: some forges write into them what signs the delivery, and whoever may look at a delivery must not be able to
// send one.

interface Secrets {
  /** Of the hook; it is the same text in JSON and in a form. */
  secret: string
  /** Of JSON objects, anywhere. */
  fields: readonly string[]
}

const mask = '••••••••'

/** The same bytes where there is nothing to hide. */
export function maskedBody(body: Uint8Array, { secret, fields }: Secrets): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!bytes.includes(secret) && !fields.some((field) => bytes.includes(`"${field}"`))) return body
  let text = bytes.toString('utf8').replaceAll(secret, mask)
  for (const field of fields) {
    // Texts only: that is what they are.
    text = text.replace(
      new RegExp(`("${field}"\\s*:\\s*)"(?:[^"\\\\]|\\\\.){0,4096}"`, 'g'),
      (_, name: string) => `${name}"${mask}"`,
    )
  }
  return Buffer.from(text)
}

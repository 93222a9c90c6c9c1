// What the helper of HubSpot's own Node client says of requests: one JSON object a line, one answer a line.
//
// It is asked as its users ask it: the version by the headers, the body as text, the headers' texts as they stand.

import { createInterface } from 'node:readline'
import hubspot from '@hubspot/api-client'

const { Signature } = hubspot

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { now, secret, method, url, body, newest, older, version, timestamp } = JSON.parse(line)
  Date.now = () => now
  const common = { clientSecret: secret, requestBody: Buffer.from(body, 'base64').toString('utf8') }
  const options = newest === null
    ? { ...common, method, url, signature: older ?? undefined, signatureVersion: version ?? undefined }
    : { ...common, method, url, signature: newest, signatureVersion: 'v3', timestamp: timestamp ?? undefined }
  let answer
  try {
    answer = { valid: Signature.isValid(options) }
  } catch (error) {
    answer = { valid: false, error: error.message }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

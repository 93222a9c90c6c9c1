// One worker: a program with HubSpot's own client that makes its calls one by one, or several at a time.
//
// A call: {"verb": "read", "id", "properties": [names]}, {"verb": "update", "id", "properties": {values}} or
// {"verb": "create", "properties": {values}}; "invalid": true means that HubSpot refuses it. Every answer is compared
// with what was asked for: another record's answer is a mistake.

import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import hubspot from '@hubspot/api-client'

/** Every answer that reaches this process, by status; the client's own retries hide some from its user. */
const statuses = {}
for (const channel of ['undici:request:headers', 'http.client.response.finish']) {
  diagnostics.subscribe(channel, ({ response }) => {
    statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + 1
  })
}
// The client tells every retry on standard error.
console.error = () => {}

const said = async () => (await once(process, 'message'))[0]
const load = await said()
const client = new hubspot.Client({
  accessToken: process.env.HUBSPOT_TOKEN,
  basePath: process.env.HUBSPOT_BASE_URL,
  numberOfApiCallRetries: load.retries,
  ...(load.limiter ? { limiterOptions: hubspot.DEFAULT_LIMITER_OPTIONS } : {})
})
const { basicApi } = client.crm.contacts

/** Makes the call; whether the answer is the one that was asked for. */
async function made({ verb, id, properties }) {
  if (verb === 'read') {
    const read = await basicApi.getById(id, properties)
    return read.id === id && properties.every((name) => name in read.properties)
  }
  const answer = await (verb === 'update' ? basicApi.update(id, { properties }) : basicApi.create({ properties }))
  const kept = Object.entries(properties).every(([name, value]) => answer.properties[name] === value)
  return kept && (verb === 'create' || answer.id === id)
}

const counts = { done: 0, refused: 0, failed: 0, mistaken: 0 }
const reasons = {}

async function perform(call) {
  try {
    const right = await made(call)
    if (!right || call.invalid) counts.mistaken += 1
    else counts.done += 1
  } catch (error) {
    if (call.invalid && error.code === 400) counts.refused += 1
    else {
      counts.failed += 1
      const reason = String(error.code ?? error.message)
      reasons[reason] = (reasons[reason] ?? 0) + 1
    }
  }
}

process.send('ready')
await said()
const calls = load.calls.values()
const inTurn = async () => {
  for (const call of calls) await perform(call)
}
// With its limiter on, the client itself says how many are in flight: it is handed everything.
await Promise.all(Array.from({ length: load.inFlight }, inTurn))
process.send({ ...counts, statuses, reasons })

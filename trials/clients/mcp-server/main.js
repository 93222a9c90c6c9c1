// What an agent does with HubSpot's MCP server: every tool once, over standard input and output.
//
// The server is the published package; only its two settings are given. What its tools report is compared with what
// the simulator holds.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { baseUrl, check, control, eventually, runAll, token, withFault } from '../common/checks.mjs'

const PROTOCOL = '2025-06-18'
const TOOLS = ['batch-create-associations', 'batch-create-objects', 'batch-read-objects', 'batch-update-objects', 'create-engagement',
  'create-property', 'generate-feedback-link', 'get-association-definitions', 'get-engagement', 'get-link', 'get-property',
  'get-schemas', 'get-user-details', 'get-workflow', 'list-associations', 'list-objects', 'list-properties', 'list-workflows',
  'search-objects', 'update-engagement', 'update-property']

const server = spawn('node', ['node_modules/@hubspot/mcp-server/dist/index.js'], {
  env: { PATH: process.env.PATH, BASE_URL_OVERRIDE: baseUrl, PRIVATE_APP_ACCESS_TOKEN: token },
  stdio: ['pipe', 'pipe', 'ignore'],
})
const waiting = new Map()
let lastId = 0

createInterface({ input: server.stdout }).on('line', (line) => {
  const message = JSON.parse(line)
  waiting.get(message.id)?.(message)
  waiting.delete(message.id)
})

function write(message) {
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

/** One request of the protocol and its result. */
async function ask(method, params = {}) {
  const id = (lastId += 1)
  const answer = new Promise((resolve) => waiting.set(id, resolve))
  write({ id, method, params })
  const { result, error } = await answer
  assert.equal(error, undefined, JSON.stringify(error))
  return result
}

/** Calls a tool that must succeed; its texts. */
async function tool(name, parameters = {}) {
  const result = await ask('tools/call', { name: `hubspot-${name}`, arguments: parameters })
  assert.ok(!result.isError, JSON.stringify(result.content))
  return result.content.map((part) => part.text)
}

/** Calls a tool that reports JSON. */
const told = async (name, parameters) => JSON.parse((await tool(name, parameters)).at(-1))

/** Calls a tool that must fail; what it says. */
async function failure(name, parameters) {
  const result = await ask('tools/call', { name: `hubspot-${name}`, arguments: parameters })
  assert.equal(result.isError, true, JSON.stringify(result.content))
  return result.content[0].text
}

/** What the simulator holds of a type, by id. */
async function held(type) {
  const text = await (await control('GET', `dump/${type}`)).text()
  return new Map(text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)).map((record) => [record.id, record]))
}

const seen = {}

check('the server starts and tells who it is', async () => {
  const result = await ask('initialize', { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: 'trial', version: '0' } })
  write({ method: 'notifications/initialized' })
  assert.equal(result.protocolVersion, PROTOCOL)
  assert.ok(result.capabilities.tools)
})

check('it has exactly the tools that are tried here', async () => {
  const { tools } = await ask('tools/list')
  assert.deepEqual(tools.map((one) => one.name.replace('hubspot-', '')).sort(), TOOLS)
})

check('get-user-details: token, account and scopes', async () => {
  const [info, owner, account] = await tool('get-user-details')
  const { hubId, appId, userId, scopes } = JSON.parse(info.replace('- Token Info: ', ''))
  const { portals } = await (await control('GET', 'portals')).json()
  assert.equal(hubId, portals[0].portal_id)
  assert.ok(appId > 0 && userId > 0 && scopes.includes('crm.objects.contacts.write'))
  assert.match(owner, /^- OwnerInfo: /)
  const details = JSON.parse(account.replace('- AccountInfo: ', ''))
  assert.deepEqual([details.portalId, details.uiDomain], [hubId, 'app.hubspot.com'])
  seen.portal = details
  const { users } = portals[0]
  seen.owner = users[0].owner_id
})

check('batch-create-objects: three contacts and a company', async () => {
  const inputs = ['ada', 'grace', 'linus'].map((name) => ({ properties: { email: `${name}@mcp.test`, firstname: name, city: 'Lima' } }))
  const contacts = await told('batch-create-objects', { objectType: 'contacts', inputs })
  assert.deepEqual([contacts.status, contacts.results.length], ['COMPLETE', 3])
  const company = await told('batch-create-objects', { objectType: 'companies', inputs: [{ properties: { name: 'Alpha', domain: 'alpha.test' } }] })
  seen.contacts = contacts.results.sort((a, b) => a.properties.email.localeCompare(b.properties.email)).map((record) => record.id)
  seen.company = company.results[0].id
  const now = await held('contacts')
  assert.deepEqual(seen.contacts.map((id) => now.get(id).properties.firstname), ['ada', 'grace', 'linus'])
})

check('batch-create-objects: a deal that is tied to a contact from its birth', async () => {
  const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 3 }]
  const inputs = [{ properties: { dealname: 'First', dealstage: 'appointmentscheduled', amount: '10' }, associations: [{ types, to: { id: seen.contacts[0] } }] }]
  const { results } = await told('batch-create-objects', { objectType: 'deals', inputs })
  seen.deal = results[0].id
  const deal = (await held('deals')).get(seen.deal)
  assert.deepEqual(deal.associations.map((one) => one.toObjectId), [seen.contacts[0]])
})

check('batch-create-objects: an address that is taken fails and nothing is made', async () => {
  const before = (await held('contacts')).size
  const inputs = [{ properties: { email: 'new@mcp.test' } }, { properties: { email: 'ADA@mcp.test' } }]
  assert.match(await failure('batch-create-objects', { objectType: 'contacts', inputs }), /HubSpot API Error: 409/)
  assert.equal((await held('contacts')).size, before)
})

check('batch-read-objects: values and history', async () => {
  const inputs = seen.contacts.map((id) => ({ id }))
  const { results } = await told('batch-read-objects', { objectType: 'contacts', inputs, properties: ['email'], propertiesWithHistory: ['city'] })
  assert.deepEqual(results.map((record) => record.id).sort(), [...seen.contacts].sort())
  assert.ok(results.every((record) => record.propertiesWithHistory.city[0].value === 'Lima'))
})

check('batch-update-objects: what is read afterwards is what was written', async () => {
  const inputs = seen.contacts.slice(0, 2).map((id) => ({ id, properties: { city: 'Quito' } }))
  await told('batch-update-objects', { objectType: 'contacts', inputs })
  const now = await held('contacts')
  assert.deepEqual(seen.contacts.map((id) => now.get(id).properties.city), ['Quito', 'Quito', 'Lima'])
})

check('list-objects: all records, page by page, with associations', async () => {
  const found = []
  let after
  do {
    const page = await told('list-objects', { objectType: 'contacts', limit: 2, properties: ['email'], associations: ['deals'], ...(after && { after }) })
    found.push(...page.results)
    after = page.paging?.next?.after
  } while (after)
  assert.deepEqual(new Set(found.map((record) => record.id)), new Set((await held('contacts')).keys()))
  const ada = found.find((record) => record.id === seen.contacts[0])
  assert.equal(ada.associations.deals.results[0].id, seen.deal)
})

check('list-objects: more than a hundred are refused as HubSpot refuses them', async () => {
  assert.match(await failure('list-objects', { objectType: 'contacts', limit: 500 }), /400/)
})

check('search-objects: filters, words and order', async () => {
  const filters = [{ propertyName: 'city', operator: 'EQ', value: 'Quito' }]
  const sorts = [{ propertyName: 'email', direction: 'DESCENDING' }]
  const found = await told('search-objects', { objectType: 'contacts', filterGroups: [{ filters }], sorts, properties: ['email'] })
  assert.deepEqual(found.results.map((record) => record.id), [seen.contacts[1], seen.contacts[0]])
  const words = await told('search-objects', { objectType: 'companies', query: 'alpha' })
  assert.deepEqual(words.results.map((record) => record.id), [seen.company])
})

check('search-objects: an unknown property is refused', async () => {
  const filters = [{ propertyName: 'no_such_thing', operator: 'EQ', value: 'x' }]
  assert.match(await failure('search-objects', { objectType: 'contacts', filterGroups: [{ filters }] }), /400/)
})

check('get-association-definitions and batch-create-associations', async () => {
  const pair = { fromObjectType: 'contacts', toObjectType: 'companies' }
  const definitions = await told('get-association-definitions', pair)
  const plain = definitions.results.find((one) => one.label === null)
  const types = [{ associationCategory: plain.category, associationTypeId: plain.typeId }]
  const inputs = seen.contacts.map((id) => ({ from: { id }, to: { id: seen.company } }))
  await told('batch-create-associations', { ...pair, types, inputs })
  const company = (await held('companies')).get(seen.company)
  const tied = company.associations.filter((one) => one.toObjectType === 'contacts').map((one) => one.toObjectId)
  assert.deepEqual(new Set(tied), new Set(seen.contacts))
})

check('list-associations: what was tied', async () => {
  const { results } = await told('list-associations', { objectType: 'companies', objectId: seen.company, toObjectType: 'contacts' })
  assert.deepEqual(new Set(results.map((one) => String(one.toObjectId))), new Set(seen.contacts))
})

check('list-properties and get-property', async () => {
  const { results } = await told('list-properties', { objectType: 'contacts' })
  assert.ok(['email', 'firstname', 'lifecyclestage'].every((name) => results.some((one) => one.name === name)))
  const email = await told('get-property', { objectType: 'contacts', propertyName: 'email' })
  assert.deepEqual([email.name, email.type], ['email', 'string'])
  assert.match(await failure('get-property', { objectType: 'contacts', propertyName: 'no_such_thing' }), /404/)
})

check('create-property and update-property', async () => {
  const made = await told('create-property', {
    objectType: 'contacts', name: 'Mcp Mood', label: 'Mood', groupName: 'contactinformation', type: 'enumeration', fieldType: 'select',
    options: [{ label: 'Good', value: 'good' }],
  })
  assert.equal(made.name, 'mcp_mood')
  const read = () => told('get-property', { objectType: 'contacts', propertyName: 'mcp_mood' }).catch(() => ({}))
  await eventually(read, (property) => property.label === 'Mood')
  await told('update-property', { objectType: 'contacts', propertyName: 'mcp_mood', label: 'Temper' })
  await eventually(read, (property) => property.label === 'Temper')
  const inputs = [{ id: seen.contacts[0], properties: { mcp_mood: 'good' } }]
  await told('batch-update-objects', { objectType: 'contacts', inputs })
  assert.equal((await held('contacts')).get(seen.contacts[0]).properties.mcp_mood, 'good')
})

check('get-schemas: a custom object', async () => {
  const schema = {
    name: 'machine', labels: { singular: 'Machine', plural: 'Machines' }, primaryDisplayProperty: 'serial', requiredProperties: ['serial'],
    properties: [{ name: 'serial', label: 'Serial', type: 'string', fieldType: 'text' }], associatedObjects: ['CONTACT'],
  }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const made = await fetch(`${baseUrl}/crm/v3/schemas`, { method: 'POST', headers, body: JSON.stringify(schema) })
  assert.equal(made.status, 201)
  const find = async () => (await told('get-schemas')).results.find((one) => one.name === 'machine')
  const found = await eventually(find, Boolean)
  assert.deepEqual([found.objectType, found.labels.plural], ['machine', 'Machines'])
  const { results } = await told('batch-create-objects', { objectType: found.objectTypeId, inputs: [{ properties: { serial: 'A-1' } }] })
  assert.equal((await held(found.objectTypeId)).get(results[0].id).properties.serial, 'A-1')
})

check('create-engagement: a note and a task on a contact', async () => {
  const associations = { contactIds: [Number(seen.contacts[0])] }
  const note = await told('create-engagement', { type: 'NOTE', ownerId: seen.owner, associations, metadata: { body: 'Met her' } })
  const task = await told('create-engagement', {
    type: 'TASK', ownerId: seen.owner, associations,
    metadata: { subject: 'Call back', body: 'today', status: 'NOT_STARTED', forObjectType: 'CONTACT' },
  })
  assert.deepEqual([note.status, task.status], ['success', 'success'])
  seen.task = task.engagement.engagement.id
  const held1 = (await held('notes')).get(String(note.engagement.engagement.id))
  assert.equal(held1.properties.hs_note_body, 'Met her')
  assert.equal(held1.properties.hubspot_owner_id, String(seen.owner))
  assert.equal(held1.associations[0].toObjectId, seen.contacts[0])
})

check('get-engagement and update-engagement', async () => {
  const read = await told('get-engagement', { engagementId: seen.task })
  assert.deepEqual([read.engagement.type, read.metadata.subject], ['TASK', 'Call back'])
  await told('update-engagement', { engagementId: seen.task, metadata: { status: 'COMPLETED' }, associations: {} })
  const task = (await held('tasks')).get(String(seen.task))
  assert.equal(task.properties.hs_task_status, 'COMPLETED')
  assert.equal(task.properties.hs_task_subject, 'Call back')
  assert.match(await failure('get-engagement', { engagementId: 1 }), /404/)
})

check('list-workflows: truthfully none, and get-workflow finds none', async () => {
  const { results } = await told('list-workflows')
  assert.deepEqual(results, [])
  assert.match(await failure('get-workflow', { flowId: '1' }), /404/)
})

check('get-link and generate-feedback-link need no HubSpot', async () => {
  const pageRequests = [{ pagetype: 'record', objectTypeId: '0-1', objectId: seen.contacts[0] }]
  const text = (await tool('get-link', { portalId: String(seen.portal.portalId), uiDomain: seen.portal.uiDomain, pageRequests })).join('\n')
  assert.ok(text.includes(seen.contacts[0]), text)
  assert.ok((await tool('generate-feedback-link')).join('').includes('https://'))
})

check('a refusal of HubSpot reaches the agent as an error', async () => {
  await withFault({ path: '/crm', times: 1, fault: { kind: 'rate_limit', policy: 'ten_secondly' } }, async () => {
    assert.match(await failure('list-properties', { objectType: 'deals' }), /429.*TEN_SECONDLY_ROLLING/)
  })
  assert.ok((await told('list-properties', { objectType: 'deals' })).results.length > 0)
})

check('every call bore the token, and none was refused for it', async () => {
  const lines = (await (await control('GET', 'ledger')).text()).trim().split('\n').map((line) => JSON.parse(line))
  assert.ok(lines.every((call) => call.status !== 401))
  server.kill()
})

await runAll()

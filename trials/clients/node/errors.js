// What HubSpot refuses in part or whole, and which refusals HubSpot's own Node client tries again.

import assert from 'node:assert/strict'
import hubspot from '@hubspot/api-client'

import { baseUrl, check, refusal, token, withFault } from '../common/checks.mjs'

const client = new hubspot.Client({ accessToken: token, basePath: baseUrl })
const { contacts, companies, objects, deals } = client.crm
const links = client.crm.associations.v4
const patient = () => new hubspot.Client({ accessToken: token, basePath: baseUrl, numberOfApiCallRetries: 3 }).crm
const UNKNOWN_ID = '999999999999'
const newContact = () => contacts.basicApi.create({ properties: {} })
const newCompany = () => companies.basicApi.create({ properties: { name: 'Errors' } })
const newDeal = () => deals.basicApi.create({ properties: { dealname: 'Errors' } })
const defined = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }]

check('a batch of associations makes those that it can and reports the rest', async () => {
  const [contact, company] = [await newContact(), await newCompany()]
  const to = { id: company.id }
  const inputs = [{ _from: { id: contact.id }, to, types: defined }, { _from: { id: 'nobody' }, to, types: defined }]
  const done = await links.batchApi.create('contacts', 'companies', { inputs })
  assert.deepEqual(done.results.map((link) => String(link.fromObjectId)), [contact.id])
  assert.equal(done.numErrors, 1)
  assert.equal(done.errors[0].message, 'nobody is not a valid ID')
  const page = await links.basicApi.getPage('contacts', contact.id, 'companies')
  assert.deepEqual(page.results.map((link) => String(link.toObjectId)), [company.id])
})

check('a batch read of associations reports the record that has none', async () => {
  const [linked, alone, company] = [await newContact(), await newContact(), await newCompany()]
  await links.basicApi.createDefault('contacts', linked.id, 'companies', company.id)
  const inputs = [linked, alone].map(({ id }) => ({ id }))
  const read = await links.batchApi.getPage('contacts', 'companies', { inputs })
  assert.deepEqual(read.results.map((row) => row._from.id), [linked.id])
  const [error, ...others] = read.errors
  assert.deepEqual([error.subCategory, others], ['crm.associations.NO_ASSOCIATIONS_FOUND', []])
  assert.equal(error.message, `No company is associated with contact ${alone.id}.`)
})

check('404: an association with a record that is not there', async () => {
  const { id } = await newContact()
  const error = await refusal(404, links.basicApi.create('contacts', id, 'companies', UNKNOWN_ID, defined))
  assert.equal(error.body.category, 'OBJECT_NOT_FOUND')
  assert.equal(error.body.subCategory, 'crm.associations.TO_OBJECT_NOT_FOUND')
})

check('labels that are put on a pair replace those that it had', async () => {
  const [contact, company] = [await newContact(), await newCompany()]
  const pair = ['contacts', contact.id, 'companies', company.id]
  const made = []
  for (const place of [1, 2]) {
    const label = `Replaced ${Date.now()} ${place}`
    const body = { label, name: label.toLowerCase().replaceAll(' ', '_') }
    const { results } = await links.schema.definitionsApi.create('contacts', 'companies', body)
    const { typeId } = results.find((known) => known.label === label)
    made.push({ label, typeId })
    const spec = [{ associationCategory: 'USER_DEFINED', associationTypeId: typeId }]
    assert.deepEqual((await links.basicApi.create(...pair, spec)).labels, [label])
  }
  const [link] = (await links.basicApi.getPage(...pair.slice(0, 3))).results
  const isMade = (label) => made.some((one) => one.label === label)
  const labels = link.associationTypes.map((known) => known.label).filter(isMade)
  assert.deepEqual(labels, [made[1].label])
  for (const { typeId } of made) await links.schema.definitionsApi.remove('contacts', 'companies', typeId)
})

check('400: a type of records that is none', async () => {
  const error = await refusal(400, objects.basicApi.getPage('unicorns'))
  assert.equal(error.body.message, 'Unable to infer object type from: unicorns')
  assert.equal('category' in error.body, false)
})

check('an error has the same correlation in its body and its header', async () => {
  const error = await refusal(404, contacts.basicApi.getById(UNKNOWN_ID))
  assert.match(error.body.correlationId, /^[0-9a-f-]{36}$/)
  assert.equal(error.headers['x-hubspot-correlation-id'], error.body.correlationId)
})

check('404: a path that leads nowhere is a page', async () => {
  const answer = await client.apiRequest({ path: '/crm/v3/nowhere/at/all' })
  assert.equal(answer.status, 404)
  assert.match(answer.headers.get('content-type'), /^text\/html/)
  assert.match(await answer.text(), /^<html>/i)
})

const onDeals = (fault) => ({ path: '/crm/v3/objects/deals', times: 1, fault })

check('the limit of the day is not tried again', async () => {
  await withFault(onDeals({ kind: 'rate_limit', policy: 'daily' }), async () => {
    const error = await refusal(429, patient().deals.basicApi.create({ properties: { dealname: 'Tomorrow' } }))
    assert.equal(error.body.policyName, 'DAILY')
  })
})

check('a locked account is an error with its status', async () => {
  await withFault(onDeals({ kind: 'status', status: 423 }), () => refusal(423, newDeal()))
})

check('a page of the edge reaches the caller as it came, and is tried again by the patient', async () => {
  const badGateway = onDeals({ kind: 'status', status: 502 })
  await withFault(badGateway, async () => {
    const error = await refusal(502, newDeal())
    assert.match(String(error.body), /<html/i)
  })
  const made = await newDeal()
  await withFault(badGateway, async () => {
    const changed = await patient().deals.basicApi.update(made.id, { properties: { dealname: 'Changed' } })
    assert.equal(changed.properties.dealname, 'Changed')
  })
})

check('a connection that is cut before the call changes nothing', async () => {
  const { id } = await newDeal()
  const change = () => deals.basicApi.update(id, { properties: { dealname: 'Changed' } })
  await withFault(onDeals({ kind: 'reset' }), () => assert.rejects(change()))
  assert.equal((await deals.basicApi.getById(id, ['dealname'])).properties.dealname, 'Errors')
})

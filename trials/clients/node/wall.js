// A search that is paged to its wall with HubSpot's own Node client: ten thousand results, and a refusal beyond them.

import assert from 'node:assert/strict'
import hubspot from '@hubspot/api-client'

import { baseUrl, check, control, refusal, token } from '../common/checks.mjs'

const WALL = 10_000
const PAGE = 200
const BEYOND = 50

/** Five searches a second are allowed, and this reads as fast as it can: the client waits and tries again. */
const patient = () => new hubspot.Client({ accessToken: token, basePath: baseUrl, numberOfApiCallRetries: 3 }).crm
const search = (lineItemId, after) =>
  patient().lineItems.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'GT', value: lineItemId }] }],
    sorts: ['hs_object_id'], properties: ['hs_object_id'], limit: PAGE, after,
  })

/** The record before the first of those that are searched, so that the program can run again. */
let zero
const found = []

check('a search is paged through ten thousand results, each once and in order', async () => {
  zero = (await patient().lineItems.basicApi.create({ properties: { name: 'The one before' } })).id
  await control('POST', 'seed', { line_items: WALL + BEYOND })
  let after
  do {
    const page = await search(zero, after)
    assert.equal(page.total, WALL + BEYOND)
    assert.equal(page.results.length, PAGE)
    found.push(...page.results.map(({ id }) => Number(id)))
    after = page.paging.next.after
    assert.equal(after, String(found.length))
  } while (found.length < WALL)
  assert.ok(found.every((id, place) => id > (found[place - 1] ?? Number(zero))))
})

check('the page beyond the wall, and one that reaches over it, are refused', async () => {
  for (const after of [WALL, WALL - PAGE + 1]) {
    const { body } = await refusal(400, search(zero, String(after)))
    // HubSpot refuses searches in a shape of their own, without a category.
    assert.deepEqual(Object.keys(body).sort(), ['correlationId', 'message', 'status'])
    assert.deepEqual([body.status, body.message], ['error', 'There was a problem with the request.'])
  }
})

check('a search that starts again behind the last result has the rest', async () => {
  assert.equal(found.length, WALL)
  const rest = await search(String(found.at(-1)))
  assert.deepEqual([rest.total, rest.results.length, rest.paging], [BEYOND, BEYOND, undefined])
})

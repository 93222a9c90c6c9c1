// Lists, pipelines' rules, users and owners with HubSpot's own Node client.

import assert from 'node:assert/strict'
import hubspot from '@hubspot/api-client'

import { baseUrl, check, refusal, token } from '../common/checks.mjs'

const client = new hubspot.Client({ accessToken: token, basePath: baseUrl })
const { lists, contacts, pipelines, owners } = client.crm
const { usersApi, teamsApi, rolesApi } = client.settings.users

const run = Date.now().toString(36)
let numbers = 0
const fresh = (word) => `${word}_${run}_${(numbers += 1)}`

const newList = async (processingType = 'MANUAL') => {
  const made = await lists.listsApi.create({ name: fresh('List'), objectTypeId: '0-1', processingType })
  return made.list
}
const newContacts = (count) =>
  Promise.all(Array.from({ length: count }, async () => (await contacts.basicApi.create({ properties: {} })).id))
const recordIds = (page) => page.results.map((member) => member.recordId)

// Lists.

check('a list is made, found, renamed, deleted and restored', async () => {
  const made = await newList()
  assert.match(made.listId, /^\d+$/)
  assert.ok(made.createdAt instanceof Date)
  assert.equal((await lists.listsApi.getByName(made.name, '0-1')).list.listId, made.listId)
  const name = fresh('Renamed')
  assert.equal((await lists.listsApi.updateName(made.listId, name)).updatedList.name, name)
  assert.equal((await lists.listsApi.getAll([made.listId])).lists.length, 1)
  await lists.listsApi.remove(made.listId)
  await refusal(404, lists.listsApi.getById(made.listId))
  await lists.listsApi.restore(made.listId)
  assert.equal((await lists.listsApi.getById(made.listId)).list.name, name)
})

check('a taken list name is refused by its subcategory', async () => {
  const { name } = await newList()
  const error = await refusal(400, lists.listsApi.create({ name, objectTypeId: '0-1', processingType: 'MANUAL' }))
  assert.equal(error.body.subCategory, 'ILS.DUPLICATE_LIST_NAMES')
})

check('members join, leave and are paged in both orders', async () => {
  const { listId } = await newList('SNAPSHOT')
  const ids = await newContacts(3)
  const byId = [...ids].sort((one, other) => one - other)
  const added = await lists.membershipsApi.add(listId, [...ids, '999999999999'])
  assert.deepEqual([...added.recordsIdsAdded].sort(), [...ids].sort())
  assert.deepEqual(added.recordIdsMissing, ['999999999999'])
  const first = await lists.membershipsApi.getPage(listId, undefined, undefined, 2)
  const rest = await lists.membershipsApi.getPage(listId, first.paging.next.after, undefined, 2)
  assert.deepEqual([...recordIds(first), ...recordIds(rest)], byId)
  assert.equal(rest.paging, undefined)
  const change = { recordIdsToAdd: [], recordIdsToRemove: [byId[0]] }
  assert.deepEqual((await lists.membershipsApi.addAndRemove(listId, change)).recordIdsRemoved, [byId[0]])
  const other = await newList()
  await lists.membershipsApi.addAllFromList(other.listId, listId)
  assert.equal((await lists.membershipsApi.getPageOrderedByAddedToListDate(other.listId)).results.length, 2)
  const mine = await lists.membershipsApi.getLists('0-1', byId[1])
  assert.deepEqual(mine.results.map((known) => known.listId).sort(), [listId, other.listId].sort())
  await contacts.basicApi.archive(byId[1])
  assert.deepEqual(recordIds(await lists.membershipsApi.getPage(listId)), [byId[2]])
  await lists.membershipsApi.removeAll(listId)
  assert.deepEqual((await lists.membershipsApi.getPage(listId)).results, [])
})

check('a search of lists pages by offset', async () => {
  const word = fresh('Sought')
  for (const place of [1, 2, 3]) {
    await lists.listsApi.create({ name: `${word} ${place}`, objectTypeId: '0-1', processingType: 'MANUAL' })
  }
  const search = (offset) => lists.listsApi.doSearch({ query: word, offset, count: 2 })
  const first = await search(0)
  assert.deepEqual([first.hasMore, first.offset, first.total], [true, 2, 3])
  assert.equal(first.lists[0].additionalProperties.hs_list_size, '0')
  const rest = await search(first.offset)
  assert.deepEqual([rest.hasMore, rest.lists.length], [false, 1])
})

check('a list moves into a folder', async () => {
  const { listId } = await newList()
  const { folder } = await lists.foldersApi.create({ name: fresh('Folder') })
  await lists.foldersApi.moveList({ listId, newFolderId: folder.id })
  assert.deepEqual((await lists.foldersApi.getAll(folder.id)).folder.childLists, [Number(listId)])
  assert.equal((await lists.foldersApi.rename(folder.id, 'Other')).folder.name, 'Other')
  await refusal(400, lists.foldersApi.remove(folder.id))
  await lists.foldersApi.moveList({ listId, newFolderId: '0' })
  await lists.foldersApi.remove(folder.id)
})

// Pipelines.

const stage = (label, displayOrder, probability) => ({ label, displayOrder, metadata: { probability } })

check('a stage without a probability and a label that is taken are refused', async () => {
  const api = pipelines.pipelinesApi
  const label = fresh('Rules')
  const made = await api.create('deals', { label, displayOrder: 1, stages: [stage('A', 0, '0.5')] })
  const again = { label: label.toUpperCase(), displayOrder: 1, stages: [stage('A', 0, '0.5')] }
  await refusal(400, api.create('deals', again))
  const stages = pipelines.pipelineStagesApi
  await refusal(400, stages.create('deals', made.id, { label: 'B', displayOrder: 1, metadata: {} }))
  const taken = await refusal(400, stages.create('deals', made.id, stage('a', 1, '0.1')))
  assert.equal(taken.body.subCategory, 'PipelineError.STAGE_LABEL_EXISTS')
  assert.equal((await stages.getById('deals', made.id, made.stages[0].id)).metadata.isClosed, 'false')
})

check('a pipeline is replaced and tells what happened to it', async () => {
  const api = pipelines.pipelinesApi
  const made = await api.create('deals', { label: fresh('Old'), displayOrder: 1, stages: [stage('A', 0, '0.5')] })
  const label = fresh('New')
  const anew = { label, displayOrder: 2, stages: [stage('C', 0, '0.1'), stage('D', 1, '1.0')] }
  assert.equal((await api.replace('deals', made.id, anew)).stages.length, 2)
  const audits = await pipelines.pipelineAuditsApi.getAudit('deals', made.id)
  assert.deepEqual(audits.results.map((entry) => entry.action), ['UPDATE', 'CREATE'])
})

// Users.

check('a user is made, becomes an owner, is changed and removed', async () => {
  const email = `${fresh('user')}@example.test`
  const made = await usersApi.create({ email, sendWelcomeEmail: false, firstName: 'Rey' })
  assert.equal((await usersApi.getById(email, 'EMAIL')).id, made.id)
  assert.equal((await usersApi.replace(made.id, { lastName: 'Doe' })).lastName, 'Doe')
  const owner = await owners.ownersApi.getById(Number(made.id), 'userId')
  assert.deepEqual([owner.email, owner.lastName], [email, 'Doe'])
  await usersApi.archive(made.id)
  await refusal(404, usersApi.getById(made.id))
  const gone = await owners.ownersApi.getById(Number(owner.id), 'id', true)
  assert.equal(gone.archived, true)
})

check('users, teams and roles are listed', async () => {
  assert.ok((await usersApi.getPage(100)).results.length >= 3)
  assert.deepEqual((await teamsApi.getAll()).results, [])
  assert.deepEqual((await rolesApi.getAll()).results, [])
})

// A person at the simulator's page: creates, edits and archives a record, watches calls and limits, arms a fault.
//
// The browser is the machine's Chromium without a window. What happens in the page is checked from outside: by the
// API, by the control calls, and by everything that the page asked for or complained about.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { accessSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { baseUrl, check, control, eventually, runAll, token } from '../common/checks.mjs'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** The browser asks nobody but the simulator, neither at its start nor later. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP rebound.example 127.0.0.1']
/** WCAG 2.2 AA for text of ordinary size. */
const CONTRAST_MIN = 4.5
const VIEWS = ['', 'records/contacts', 'records/deals/new', 'calls', 'limits', 'faults', 'webhooks', 'apps', 'time']

const complaints = []
const asked = new Set()

const browser = await chromium.launch({ executablePath: CHROMIUM.find(there), args: FLAGS })
const page = await open()

function there(path) {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}

/** A tab of its own whose every complaint and request is written down. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const tab = await context.newPage()
  tab.setDefaultTimeout(10_000)
  tab.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
  tab.on('pageerror', (error) => complaints.push(error.message))
  tab.on('request', (request) => asked.add(new URL(request.url()).origin))
  tab.on('dialog', (dialog) => dialog.accept())
  return tab
}

async function visit(view, tab = page) {
  await tab.goto(`${baseUrl}/_control/#/${view}`)
  await tab.locator(`main[data-view="#/${view}"] h1`).waitFor()
}

async function api(method, path, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return fetch(`${baseUrl}${path}`, { method, headers, body: body && JSON.stringify(body) })
}

const idOfPage = () => new URL(page.url()).hash.split('/').at(-1)

check('the bare address leads to the page', async () => {
  await page.goto(`${baseUrl}/`)
  await page.getByRole('link', { name: 'Open its page' }).click()
  await page.getByRole('heading', { name: /^Account \d+$/ }).waitFor()
  await page.getByRole('link', { name: /^Contacts/ }).first().waitFor()
})

check('a contact that is created in the page is there for the API', async () => {
  await visit('records/contacts')
  await page.getByRole('link', { name: 'New contact' }).click()
  await page.getByLabel('Email', { exact: true }).fill('Grace@Example.test')
  await page.getByLabel('First Name').fill('Grace')
  await page.getByLabel('Last Name').fill('Hopper')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'Grace Hopper' }).waitFor()
  const answer = await api('GET', `/crm/v3/objects/contacts/${idOfPage()}?properties=email,hs_object_source,hs_object_source_id`)
  const { properties } = await answer.json()
  assert.equal(properties.email, 'grace@example.test')
  assert.equal(properties.hs_object_source, 'CRM_UI')
  assert.match(properties.hs_object_source_id, /^userId:\d+$/)
})

check('an edit in the page is there for the API, with the person in the history', async () => {
  await page.getByRole('link', { name: 'Edit' }).click()
  await page.getByLabel('Last Name').fill('Murray Hopper')
  await page.getByLabel('Add another property').selectOption({ label: 'City' })
  await page.getByLabel('City').fill('Arlington')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'Grace Murray Hopper' }).waitFor()
  const path = `/crm/v3/objects/contacts/${idOfPage()}?propertiesWithHistory=lastname,city`
  const { propertiesWithHistory: history } = await (await api('GET', path)).json()
  assert.deepEqual(history.lastname.map((version) => version.value), ['Murray Hopper', 'Hopper'])
  assert.equal(history.city[0].sourceType, 'CRM_UI')
  await page.locator('.timeline').getByText('Arlington').waitFor()
})

check('what an app changes is seen in the page', async () => {
  const id = idOfPage()
  await api('PATCH', `/crm/v3/objects/contacts/${id}`, { properties: { city: 'Lima' } })
  await visit(`records/contacts/${id}`)
  await page.reload()
  await page.locator('.values').getByText('Lima').waitFor()
  await page.locator('.timeline').getByText(/by app \d+/).first().waitFor()
})

check('a value that HubSpot refuses is refused, and the page says why', async () => {
  await page.getByRole('link', { name: 'Edit' }).click()
  await page.getByLabel('Email', { exact: true }).fill('nonsense')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').getByText('nonsense').waitFor()
  assert.equal(await page.getByLabel('Email', { exact: true }).inputValue(), 'nonsense', 'what was typed is not lost')
  await page.getByRole('button', { name: 'Cancel' }).click()
})

check('a record named as a script does not run', async () => {
  const evil = '<script>window.ran = 1</script><img src=x onerror="window.ran = 1">'
  const made = await (await api('POST', '/crm/v3/objects/companies', { properties: { name: evil, domain: 'evil.test' } })).json()
  await visit('records/companies')
  await page.getByRole('link', { name: evil }).click()
  await page.getByRole('heading', { name: evil }).waitFor()
  await visit(`records/companies/${made.id}?edit=true`)
  await page.getByLabel('Company name', { exact: false }).first().waitFor()
  assert.equal(await page.evaluate(() => window.ran), undefined)
  assert.equal(await page.locator('main img, main script').count(), 0)
})

check('records are searched and paged', async () => {
  await control('POST', 'seed', { contacts: 60 })
  await visit('records/contacts')
  await page.reload()
  const first = await page.locator('tbody tr').first().textContent()
  await page.getByRole('button', { name: 'Older' }).click()
  await eventually(() => page.locator('tbody tr').first().textContent(), (text) => text !== first)
  await page.getByRole('button', { name: 'Newer' }).click()
  await eventually(() => page.locator('tbody tr').first().textContent(), (text) => text === first)
  await page.getByLabel('Search Contacts').fill('murray')
  await eventually(() => page.locator('tbody tr').count(), (count) => count === 1)
  assert.ok(await page.getByLabel('Search Contacts').evaluate((input) => input === document.activeElement), 'typing goes on')
})

check('a fault that is armed in the page strikes, and is seen among the calls', async () => {
  await visit('faults')
  await page.getByLabel('What happens').selectOption({ label: 'Answer an error' })
  await page.getByLabel('Path').fill('/crm/v3/objects/deals')
  await page.getByLabel('Status').fill('503')
  await page.getByRole('button', { name: 'Arm', exact: true }).click()
  await page.getByText('Answer an error (Status: 503)').waitFor()
  assert.equal((await api('GET', '/crm/v3/objects/deals')).status, 503)
  assert.equal((await api('GET', '/crm/v3/objects/deals')).status, 200, 'once, as the form said')
  await page.getByText('1 of 2').waitFor()
  await page.getByRole('link', { name: 'Calls' }).click()
  await page.locator('tr', { hasText: 'fault: status' }).getByText('503').waitFor()
})

check('every kind of fault can be armed, and one be disarmed', async () => {
  await control('DELETE', 'faults')
  await visit('faults')
  const kinds = await page.getByLabel('What happens').locator('option').allTextContents()
  for (const kind of kinds) {
    await page.getByLabel('What happens').selectOption({ label: kind })
    await page.getByLabel('Path').fill('/nowhere')
    await page.getByRole('button', { name: 'Arm', exact: true }).click()
    await page.locator('tbody').getByText(kind).first().waitFor()
  }
  assert.equal(await page.getByRole('alert').count(), 0)
  await page.getByRole('button', { name: 'Disarm', exact: true }).first().click()
  await eventually(async () => (await (await control('GET', 'faults')).json()).faults.length, (count) => count === kinds.length - 1)
  await page.getByRole('button', { name: 'Disarm all' }).click()
  await page.getByText('No fault is armed').waitFor()
})

check('calls appear as they are made, and limits move', async () => {
  await visit('calls')
  await api('GET', '/crm/v3/objects/tickets?limit=7')
  await page.locator('tbody tr').first().getByText('/crm/v3/objects/tickets').waitFor()
  await visit('limits')
  await api('GET', '/crm/v3/objects/tickets')
  const used = async () => Number(await page.getByRole('meter', { name: /^Ten seconds, app/ }).getAttribute('aria-valuenow'))
  await eventually(used, (count) => count > 0)
  const { counters } = await (await control('GET', 'limits')).json()
  assert.equal(await page.getByRole('meter').count(), counters.length)
})

check('a record is archived in the page and gone for the API, and comes back when it is restored', async () => {
  await visit('records/contacts?text=murray')
  await page.getByRole('link', { name: 'Grace Murray Hopper' }).click()
  await page.getByRole('button', { name: 'Archive' }).click()
  await page.getByText(/^Archived \d/).waitFor()
  assert.equal((await api('GET', `/crm/v3/objects/contacts/${idOfPage()}`)).status, 404)
  await page.getByRole('button', { name: 'Restore' }).click()
  await page.getByRole('link', { name: 'Edit' }).waitFor()
  assert.equal((await api('GET', `/crm/v3/objects/contacts/${idOfPage()}`)).status, 200)
})

check('an app that is told of changes is seen, and what became of the telling', async () => {
  const app = { app_id: 7001, client_secret: 'secret-of-nobody', target_url: `${baseUrl}/_control/stats`,
    subscriptions: [{ eventType: 'contact.creation' }] }
  await control('POST', 'webhooks', { apps: [app] })
  await visit('webhooks')
  await page.locator('tr', { hasText: '7001' }).getByText('contact.creation').waitFor()
  await control('POST', 'records/contacts', { properties: { email: 'told@example.test' } })
  const events = () => page.locator('dt', { hasText: /^events$/ }).evaluate((name) => Number(name.nextSibling.textContent))
  await eventually(events, (count) => count > 0)
  await control('DELETE', 'webhooks')
})

check('the clock moves on from the page', async () => {
  const before = (await (await control('GET', 'clock')).json()).now_ms
  await visit('time')
  await page.getByRole('button', { name: '+ 1 day', exact: true }).click()
  const day = 86_400_000
  await eventually(async () => (await (await control('GET', 'clock')).json()).now_ms, (now) => now >= before + day)
})

check('the page can be used with the keyboard alone', async () => {
  await visit('')
  await page.reload()
  await page.locator('main[data-view="#/"] h1').waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content')
  await page.getByRole('link', { name: 'Limits' }).first().focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Limits' }).waitFor()
  const focus = await page.evaluate(() => document.activeElement.tagName)
  assert.equal(focus, 'H1', 'a new view takes the focus, so that a screen reader says its name')
})

check('every field has a name, and every text is readable in both themes and widths', async () => {
  for (const [colorScheme, width] of [['light', 1280], ['dark', 1280], ['light', 360]]) {
    const tab = await open({ colorScheme, viewport: { width, height: 800 } })
    for (const view of VIEWS) {
      await visit(view, tab)
      const found = await tab.evaluate(inspect, CONTRAST_MIN)
      assert.deepEqual(found, [], `${view} ${colorScheme} ${width}`)
    }
    await tab.context().close()
  }
})

check('another site can neither post to the simulator nor take its name', async () => {
  const site = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html')
    answer.end('<!doctype html><title>elsewhere</title>')
  })
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
  const context = await browser.newContext()
  const tab = await context.newPage()
  await tab.goto(`http://127.0.0.1:${site.address().port}/`)
  const rule = JSON.stringify({ fault: { kind: 'reset' } })
  await tab.evaluate(([url, body]) => fetch(url, { method: 'POST', mode: 'no-cors', body }), [`${baseUrl}/_control/faults`, rule])
  const readable = await tab.evaluate((url) => fetch(url).then(() => true, () => false), `${baseUrl}/_control/dump/contacts`)
  assert.equal(readable, false)
  const { port } = new URL(baseUrl)
  const rebound = await tab.goto(`http://rebound.example:${port}/_control/`)
  assert.equal(rebound.status(), 403)
  assert.deepEqual((await (await control('GET', 'faults')).json()).faults, [])
  await context.close()
  site.close()
})

check('nothing was complained about but the refusals, and nobody else was asked', async () => {
  const own = complaints.filter((text) => !/status of (400|403|404|409)/.test(text))
  assert.deepEqual(own, [])
  assert.deepEqual([...asked], [baseUrl])
  await browser.close()
})

/** Runs in the page: fields without a name, text that is hard to read, and a width that must be scrolled. */
function inspect(contrastMin) {
  const found = []
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  const parse = (color) => color.match(/[\d.]+/g).map(Number)
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255)
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor)
      if (color.length === 3 || color[3] === 1) return color
    }
    return [255, 255, 255]
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    const style = getComputedStyle(element)
    const visible = walker.currentNode.textContent.trim() && element.getClientRects().length > 0 && element.tagName !== 'OPTION'
    if (!visible || element.closest(':disabled, .sr, .skip')) continue
    const [a, b] = [light(parse(style.color)), light(ground(element))]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (ratio < contrastMin) found.push(`contrast ${ratio.toFixed(1)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`)
  }
  for (const field of document.querySelectorAll('input, select, textarea')) {
    const named = field.labels?.length > 0 || field.getAttribute('aria-label')
    if (!named && field.getClientRects().length > 0) found.push(`no name: ${field.outerHTML.slice(0, 80)}`)
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
  if (wide > 0) found.push(`${wide} pixels too wide`)
  return found
}

await runAll()

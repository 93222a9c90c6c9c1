// The simulator's page: each view asks the control API and builds elements of the answer.
//
// Text from records only ever becomes text: there is one way to make an element, `h`, and it takes no markup.
'use strict'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const ROWS_MAX = 300
const HISTORY_MAX = 100
const HISTORY_OPEN = 6

const $ = (id) => document.getElementById(id)
const state = { portals: [], portal: null, pages: [], leave: null }

// Elements ---------------------------------------------------------------------------------------------------------

/** Makes an element; a function among the attributes listens, everything among the children becomes a node or text. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (name === 'value') element.value = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false))
  return element
}

const card = (...children) => h('section', { class: 'card' }, ...children)
const button = (text, click, kind = '') => h('button', { type: 'button', class: kind, click }, text)
const badge = (text, kind = '') => h('span', { class: `badge ${kind}` }, text)
const number = (value) => Number(value).toLocaleString('en')
const path = (...parts) => parts.map(encodeURIComponent).join('/')
const link = (hash, ...children) => h('a', { href: `#/${hash}` }, ...children)

/** A labelled field; the label names it for everybody. */
function field(label, input, note) {
  const id = input.id || `f${(field.count = (field.count ?? 0) + 1)}`
  input.id = id
  return h('div', { class: 'field' }, h('label', { for: id }, label), input, note && h('span', {}, note))
}

function choose(options, value, attributes = {}) {
  const select = h('select', attributes, options.map(([key, text]) => h('option', { value: key }, text)))
  select.value = value
  return select
}

function heading(title, sub, ...actions) {
  document.title = `${title} · Simulated HubSpot`
  const head = h('h1', { tabindex: '-1' }, title)
  return h('div', { class: 'top' }, h('div', {}, head, sub && h('p', { class: 'sub' }, sub)),
    actions.length > 0 && h('div', { class: 'actions' }, actions))
}

function table(names, rows, empty) {
  if (rows.length === 0) return h('p', { class: 'empty' }, empty)
  const head = h('thead', {}, h('tr', {}, names.map((name) => h('th', { scope: 'col' }, name))))
  return h('div', { class: 'scroll', tabindex: '0' }, h('table', {}, head, h('tbody', {}, rows)))
}

const row = (...cells) => h('tr', {}, cells.map((cell) => (cell?.tagName === 'TD' ? cell : h('td', {}, cell))))

function toast(text) {
  const note = h('div', { class: 'toast' }, text)
  $('toasts').append(note)
  setTimeout(() => note.remove(), 4_000)
}

function alertOf(error) {
  const reasons = (error.reasons ?? []).filter((reason) => reason !== error.message)
  return h('div', { class: 'alert', role: 'alert' }, reasons.length > 0 ? 'HubSpot refuses this:' : error.message,
    reasons.length > 0 && h('ul', {}, reasons.map((reason) => h('li', {}, reason))))
}

// Times ------------------------------------------------------------------------------------------------------------

function when(value) {
  const date = new Date(value)
  if (Number.isNaN(date.getTime())) return String(value)
  return `${date.toISOString().slice(0, 10)} ${date.toISOString().slice(11, 19)}`
}

const clockTime = (ms) => new Date(ms).toISOString().slice(11, 23)

function span(ms) {
  const minutes = Math.max(0, Math.round(ms / MINUTE))
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes} min`
}

// Calls ------------------------------------------------------------------------------------------------------------

/** A control call about the chosen portal. */
async function api(method, target, body) {
  const url = new URL(`/_control/${target}`, location.origin)
  if (state.portal) url.searchParams.set('portal', state.portal.portal_id)
  const options = { method }
  if (body !== undefined) {
    options.body = JSON.stringify(body)
    options.headers = { 'content-type': 'application/json' }
  }
  let answer
  try {
    answer = await fetch(url, options)
  } catch {
    throw new Error('The simulator does not answer. Is it still running?')
  }
  const told = await answer.json()
  if (answer.ok) return told
  throw Object.assign(new Error(told.error ?? `The simulator answers ${answer.status}.`), { reasons: told.reasons })
}

const get = (target) => api('GET', target)

/** Runs something a person asked for; what goes wrong is shown at the top of the page. */
async function attempt(run) {
  document.querySelectorAll('.alert').forEach((old) => old.remove())
  try {
    await run()
  } catch (error) {
    const alert = alertOf(error)
    $('main').querySelector('.top').after(alert)
    alert.scrollIntoView({ block: 'nearest' })
  }
}

/** Does something now and again until the view is left; nothing while nobody looks. */
function every(ms, run) {
  let timer
  let left = false
  const again = async () => {
    if (!document.hidden) {
      try {
        await run()
      } catch {
        // The next round asks again; the pulse says that nobody answers.
      }
    }
    if (!left) timer = setTimeout(again, ms)
  }
  again()
  const before = state.leave
  state.leave = () => {
    left = true
    clearTimeout(timer)
    before?.()
  }
}

// Overview ---------------------------------------------------------------------------------------------------------

async function overview() {
  const filled = state.portal.types.filter((type) => type.records > 0)
  const form = h('form', {
    submit: (event) => {
      event.preventDefault()
      const spec = { associate: true }
      for (const input of form.querySelectorAll('input')) spec[input.name] = Number(input.value)
      attempt(async () => {
        await api('POST', 'seed', spec)
        await refresh()
        toast('The records are there.')
        await show()
      })
    },
  }, h('div', { class: 'fields few' }, [['contacts', 50], ['companies', 10], ['deals', 20], ['owners', 3]].map(
    ([name, count]) => field(name[0].toUpperCase() + name.slice(1),
      h('input', { name, type: 'number', min: '0', max: '100000', value: count })))),
  h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Make records')))
  const reset = button('Remove all records', () => {
    if (!confirm('Remove all records, counters and grants of every account?')) return
    attempt(async () => {
      await api('POST', 'reset', { state: true })
      await refresh()
      await show()
    })
  }, 'danger small')
  return [
    heading(`Account ${state.portal.portal_id}`, `Time zone ${state.portal.time_zone}. Records live in memory.`),
    card(h('h2', {}, 'Records'), filled.length === 0
      ? h('p', { class: 'quiet' }, 'There are none yet. Make some below, or let a program create them.')
      : h('ul', { class: 'tiles' }, filled.map((type) => h('li', {}, link(`records/${path(type.name)}`,
        h('b', {}, number(type.records)), h('span', {}, type.label)))))),
    h('div', { class: 'grid' },
      card(h('h2', {}, 'Make records to begin with'), form),
      card(h('h2', {}, 'Point a program here'),
        h('p', {}, 'Base URL: ', h('code', {}, location.origin)),
        h('p', { class: 'quiet' }, 'The token is the one that the simulator was started with, or printed. Each call appears under ',
          link('calls', 'Calls'), ', and costs what it costs at HubSpot: see ', link('limits', 'Limits'), '.'),
        h('div', { class: 'buttons' }, reset))),
  ]
}

// Records ----------------------------------------------------------------------------------------------------------

async function records([name], query) {
  const type = typeNamed(name)
  const text = query.get('text') ?? ''
  const archived = query.get('archived') === 'true'
  const ask = new URLSearchParams({ text, archived, limit: 25, before: query.get('before') ?? '' })
  const page = await get(`records/${path(name)}?${ask}`)
  const go = (change) => {
    const next = new URLSearchParams({ text, archived, ...change })
    for (const [key, value] of [...next]) if (value === '' || value === 'false') next.delete(key)
    location.hash = `#/records/${path(name)}${next.size > 0 ? `?${next}` : ''}`
  }
  if (!query.get('before')) state.pages = []
  let wait
  const search = h('input', {
    type: 'search', 'aria-label': `Search ${type.label}`, placeholder: 'Search', value: text,
    input: () => {
      clearTimeout(wait)
      wait = setTimeout(() => go({ text: search.value.trim() }), 300)
    },
  })
  const old = h('input', { type: 'checkbox', change: () => go({ archived: old.checked }) })
  old.checked = archived
  const rows = page.results.map((record) => row(
    link(`records/${path(name, record.id)}`, record.title),
    ...record.values.map((value, place) => h('td', { class: place > 1 ? 'wide' : '' }, value)),
    h('td', { class: 'tight quiet wide' }, when(record.updated))))
  const names = ['Name', ...page.columns.map((column) => column.label), 'Modified']
  const list = table(names, rows, text ? 'Nothing has this text.' : `There are no ${archived ? 'archived ' : ''}records of this type.`)
  list.querySelectorAll('th').forEach((head, place, all) => {
    if (place > 2 || place === all.length - 1) head.classList.add('wide')
  })
  const newer = button('Newer', () => go({ before: state.pages.pop() ?? '' }), 'small')
  newer.disabled = !query.get('before')
  const older = button('Older', () => {
    state.pages.push(query.get('before') ?? '')
    go({ before: page.next })
  }, 'small')
  older.disabled = !page.next
  return [
    heading(type.label, `${number(page.total)} ${archived ? 'archived' : 'in all'}, the newest first`,
      h('a', { class: 'button primary', href: `#/records/${path(name)}/new` }, `New ${type.singular.replaceAll('_', ' ')}`)),
    h('div', { class: 'bar', role: 'search' }, search, h('label', { class: 'line' }, old, 'Archived')),
    h('section', { class: 'card flush' }, list, h('div', { class: 'pager' },
      h('span', {}, `${page.results.length} shown`), h('div', {}, newer, older))),
  ]
}

const typeNamed = (name) => state.portal.types.find((type) => type.name === name) ?? { name, label: name, singular: name }

/** The input that fits a property. */
function inputFor(property) {
  const value = property.value ?? ''
  const name = { name: property.name, required: property.required }
  if (property.choices.length > 0 && property.several) {
    const chosen = value.split(';')
    const options = property.choices.map((choice) => {
      const option = h('option', { value: choice.value }, choice.label)
      option.selected = chosen.includes(choice.value)
      return option
    })
    return h('select', { ...name, multiple: true, size: Math.min(5, options.length) }, options)
  }
  if (property.choices.length > 0 || property.type === 'bool') {
    const choices = property.choices.length > 0 ? property.choices.map((choice) => [choice.value, choice.label]) : [['true', 'Yes'], ['false', 'No']]
    if (value && !choices.some(([known]) => known === value)) choices.push([value, value])
    return choose([['', '—'], ...choices], value, name)
  }
  if (property.field_type === 'textarea' || property.field_type === 'html') return h('textarea', { ...name, value })
  if (property.type === 'datetime') name.placeholder = '2026-11-21T10:00:00Z'
  if (property.type === 'date') return h('input', { ...name, type: 'date', value: value.slice(0, 10) })
  return h('input', { ...name, value, inputmode: property.type === 'number' ? 'decimal' : undefined, autocomplete: 'off' })
}

const given = (input) => (input.multiple ? [...input.selectedOptions].map((option) => option.value).join(';') : input.value)

/** A form of properties: the usual ones and those with values, the rest on demand. */
function editor(properties, save, cancel) {
  const own = properties.filter((property) => !property.read_only)
  const shown = own.filter((property) => property.usual || property.value)
  const rest = own.filter((property) => !shown.includes(property))
  const before = new Map()
  const box = h('div', { class: 'fields' })
  const add = (property) => {
    const input = inputFor(property)
    before.set(input, given(input))
    box.append(field(property.label || property.name, input))
    return input
  }
  shown.sort((a, b) => b.usual - a.usual).forEach(add)
  const more = choose([['', 'Another property…'], ...rest.map((property) => [property.name, property.label || property.name])], '', {
    'aria-label': 'Add another property',
    change: () => {
      const property = rest.find((known) => known.name === more.value)
      if (!property) return
      more.selectedOptions[0].remove()
      more.value = ''
      add(property).focus()
    },
  })
  const people = state.portal.users.map((user) => [String(user.user_id), user.name || user.email])
  const who = choose(people.length > 0 ? people : [['1', 'User 1']], people[0]?.[0] ?? '1')
  return h('form', {
    submit: (event) => {
      event.preventDefault()
      const changed = {}
      for (const [input, old] of before) if (given(input) !== old) changed[input.name] = given(input)
      attempt(() => save({ user_id: Number(who.value), properties: changed }))
    },
  }, box, h('div', { class: 'more' }, more), h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Save'),
    button('Cancel', cancel), h('label', { class: 'line quiet' }, 'as', who)))
}

async function newRecord([name]) {
  const type = typeNamed(name)
  const blank = await get(`records/${path(name)}/new`)
  const back = `#/records/${path(name)}`
  return [
    heading(`New ${type.singular.replaceAll('_', ' ')}`, 'Made as by a person in HubSpot: the same rules, the same events.'),
    card(editor(blank.properties, async (edit) => {
      const made = await api('POST', `records/${path(name)}`, edit)
      await refresh()
      toast('Created.')
      location.hash = `${back}/${encodeURIComponent(made.id)}`
    }, () => { location.hash = back })),
  ]
}

const byWhom = (change) => ({ CRM_UI: 'a person', INTEGRATION: 'app', CALCULATED: 'HubSpot' }[change.source] ?? change.source)
  + (change.source_id ? ` ${change.source_id}` : '')

function history(properties) {
  const changes = properties.flatMap((property) => property.history.map((change) => ({ ...change, property })))
  const moments = new Map()
  for (const change of changes) {
    const key = `${change.at} ${byWhom(change)}`
    moments.set(key, [...(moments.get(key) ?? []), change])
  }
  const line = (change) => h('div', {}, h('span', { class: 'quiet' }, `${change.property.label || change.property.name}: `),
    change.value === '' ? h('em', {}, 'cleared') : change.value)
  const newest = [...moments.values()].sort((a, b) => (a[0].at < b[0].at ? 1 : -1)).slice(0, HISTORY_MAX)
  return h('ol', { class: 'timeline' }, newest.map((all) => {
    all.sort((a, b) => b.property.usual - a.property.usual)
    const rest = all.slice(HISTORY_OPEN)
    return h('li', {}, h('span', { class: 'moment' }, `${when(all[0].at)} by ${byWhom(all[0])}`), all.slice(0, HISTORY_OPEN).map(line),
      rest.length > 0 && h('details', {}, h('summary', {}, `${rest.length} more`), rest.map(line)))
  }))
}

async function oneRecord([name, id], query) {
  const record = await get(`records/${path(name, id)}`)
  const here = `#/records/${path(name, record.id)}`
  const target = `records/${path(name, record.id)}`
  const valued = record.properties.filter((property) => property.value)
  const editing = query.get('edit') === 'true' && !record.archived
  const words = h('input', { type: 'search', 'aria-label': 'Find a property', placeholder: 'Find a property' })
  const empty = h('input', { type: 'checkbox' })
  const list = h('dl', { class: 'values' })
  const fill = () => {
    const text = words.value.trim().toLowerCase()
    const fits = (property) => (empty.checked || property.value) && `${property.name} ${property.label}`.toLowerCase().includes(text)
    const shown = record.properties.filter(fits).sort((a, b) => b.usual - a.usual)
    list.replaceChildren(...shown.flatMap((property) => [
      h('dt', {}, property.label || property.name, h('code', {}, property.name)),
      h('dd', {}, property.value || h('span', { class: 'quiet' }, '—')),
    ]))
  }
  words.addEventListener('input', fill)
  empty.addEventListener('change', fill)
  fill()
  const archive = button('Archive', () => {
    if (!confirm(`Archive ${record.title}?`)) return
    attempt(async () => {
      await api('DELETE', target)
      await refresh()
      toast('Archived.')
      await show()
    })
  }, 'danger')
  const restore = button('Restore', () => attempt(async () => {
    await api('POST', 'restore', { object_type: name, id: record.id })
    await refresh()
    toast('Restored.')
    await show()
  }), 'primary')
  const save = async (edit) => {
    if (Object.keys(edit.properties).length > 0) {
      await api('PATCH', target, edit)
      toast('Saved.')
    }
    location.hash = here
  }
  const actions = record.archived ? [restore] : [h('a', { class: 'button primary', href: `${here}?edit=true` }, 'Edit'), archive]
  const kinds = record.associations.map((other) => h('li', {}, link(`records/${path(other.type, other.id)}`, other.title),
    h('span', { class: 'quiet' }, other.label), other.labels.map((label) => badge(label))))
  return [
    heading(record.title, `${typeNamed(name).singular.replaceAll('_', ' ')} ${record.id}, created ${when(record.created)}, modified ${when(record.updated)}`,
      ...(editing ? [] : actions)),
    record.archived && h('p', {}, badge(`Archived ${when(record.archived)}`, 'warn')),
    editing
      ? card(editor(record.properties, save, () => { location.hash = here }))
      : h('div', { class: 'columns' },
        card(h('h2', {}, 'Properties'), h('div', { class: 'bar' }, words, h('label', { class: 'line' }, empty, 'Empty ones too')), list),
        h('div', {},
          card(h('h2', {}, 'Associations'), kinds.length > 0 ? h('ul', { class: 'links' }, kinds) : h('p', { class: 'quiet' }, 'None.')),
          card(h('h2', {}, 'History'), history(valued)))),
  ]
}

// Calls ------------------------------------------------------------------------------------------------------------

function statusBadge(call) {
  if (call.status === null) return badge('cut', 'bad')
  return badge(String(call.status), call.status < 300 ? 'good' : call.status < 500 && call.status !== 429 ? 'warn' : 'bad')
}

async function calls() {
  let last
  let paused = false
  const body = h('tbody')
  const totals = h('span', { class: 'quiet' })
  const filter = h('input', { type: 'search', 'aria-label': 'Filter the calls', placeholder: 'Filter, as “batch”, “429” or “POST”', input: () => sift() })
  const fits = (line) => line.textContent.toLowerCase().includes(filter.value.trim().toLowerCase())
  const sift = () => [...body.rows].forEach((line) => { line.hidden = !fits(line) })
  const pause = button('Pause', () => {
    paused = !paused
    pause.textContent = paused ? 'Go on' : 'Pause'
  }, 'small')
  const none = h('p', { class: 'empty' }, 'No program has called yet.')
  const look = async () => {
    if (paused) return
    const told = await get(`calls?limit=${last === undefined ? 100 : ROWS_MAX}${last === undefined ? '' : `&after=${last}`}`)
    for (const call of told.calls) {
      last = call.seq
      const took = call.answered - call.arrived
      const line = row(h('td', { class: 'tight mono' }, clockTime(call.arrived)), h('td', { class: 'tight' }, statusBadge(call)),
        h('td', { class: 'mono' }, `${call.method} ${call.path}`, call.fault && h('div', {}, badge(`fault: ${call.fault.replaceAll('_', ' ')}`, 'warn'))),
        h('td', { class: 'tight wide' }, call.credential.replaceAll('_', ' ')),
        h('td', { class: 'tight wide quiet' }, call.counted.join(', ').replaceAll('_', ' ') || 'nowhere'),
        h('td', { class: 'tight wide' }, `${number(took)} ms`))
      line.hidden = !fits(line)
      body.prepend(line)
    }
    while (body.rows.length > ROWS_MAX) body.lastChild.remove()
    none.hidden = body.rows.length > 0
    const statuses = Object.entries(told.by_status).map(([status, count]) => `${number(count)} × ${status}`)
    totals.textContent = [`${number(told.requests)} calls`, ...statuses, told.cut > 0 && `${number(told.cut)} cut`].filter(Boolean).join(', ')
  }
  await look()
  every(1_000, look)
  const names = [['Time'], ['Status'], ['Call'], ['Who', 'wide'], ['Counted on', 'wide'], ['Took', 'wide']]
  const head = h('thead', {}, h('tr', {}, names.map(([name, kind]) => h('th', { scope: 'col', class: kind }, name))))
  const clear = button('Forget them', () => attempt(async () => {
    await api('POST', 'reset', { stats: true })
    body.replaceChildren()
    await look()
  }), 'small')
  return [
    heading('Calls', 'Every call of a program, as it comes. This page’s own calls are not among them.', pause, clear),
    h('div', { class: 'bar' }, filter, totals),
    h('section', { class: 'card flush' }, h('div', { class: 'scroll', tabindex: '0' }, h('table', {}, h('caption', { class: 'sr' }, 'The newest calls'), head, body)), none),
  ]
}

// Limits -----------------------------------------------------------------------------------------------------------

const COUNTERS = {
  burst: (counter) => [`Ten seconds, app ${counter.app_id}`, 'Calls of this app in the last ten seconds.'],
  search: (counter) => [counter.app_id ? `Searches a second, app ${counter.app_id}` : 'Searches a second', 'For all apps of the account together.'],
  association: () => ['Associations, ten seconds', 'Association batches and labels.'],
  day: () => ['Day', 'All calls of private apps.'],
  association_day: () => ['Associations, day', 'Association batches and labels.'],
}

async function limits() {
  const gauges = new Map()
  const box = h('div', { class: 'grid' })
  const look = async () => {
    const told = await get('limits')
    for (const counter of told.counters) {
      const key = `${counter.counter} ${counter.app_id}`
      const [title, about] = COUNTERS[counter.counter](counter)
      if (!gauges.has(key)) {
        const gauge = { used: h('b'), left: h('span'), fill: h('i'), more: h('span', { class: 'quiet' }) }
        gauge.track = h('div', { class: 'track', role: 'meter', 'aria-label': title, 'aria-valuemin': '0' }, gauge.fill)
        gauge.card = h('section', { class: 'card gauge' }, h('h2', {}, title), h('div', { class: 'figures' }, gauge.used, gauge.left), gauge.track, gauge.more)
        gauges.set(key, gauge)
        box.append(gauge.card)
      }
      const gauge = gauges.get(key)
      const share = counter.limit ? Math.min(1, counter.used / counter.limit) : 0
      gauge.used.textContent = number(counter.used)
      gauge.left.textContent = counter.limit === null ? 'no limit' : `${number(Math.max(0, counter.limit - counter.used))} of ${number(counter.limit)} left`
      gauge.fill.style.width = `${share * 100}%`
      gauge.track.setAttribute('aria-valuemax', counter.limit ?? counter.used)
      gauge.track.setAttribute('aria-valuenow', counter.used)
      gauge.card.classList.toggle('warn', share >= 0.8 && share < 1)
      gauge.card.classList.toggle('bad', share >= 1)
      gauge.more.textContent = about + (counter.resets_at ? ` Starts again in ${span(counter.resets_at - told.now_ms)}.` : '')
    }
  }
  await look()
  every(1_000, look)
  return [heading('Limits', 'What the account’s plan allows, and what is used of it.'), box]
}

// Faults -----------------------------------------------------------------------------------------------------------

const KINDS = {
  status: ['Answer an error', [['status', 'Status', '503'], ['retry_after_s', 'Retry-After, seconds', ''], ['executed', 'Do it all the same', 'flag']]],
  rate_limit: ['Refuse by a limit (429)', [['policy', 'Limit', { ten_secondly: 'Ten seconds', secondly: 'Search second', daily: 'Day' }]]],
  lost_answer: ['Do it, lose the answer', [['executed_after_ms', 'Done so late, ms after the cut', '']]],
  reset: ['Cut the connection, do nothing', []],
  latency: ['Take longer', [['ms', 'By so many ms', '2000']]],
  slow_body: ['Drip the body', [['over_ms', 'In so many ms', '5000']]],
}

function faultText(fault) {
  const { kind, ...rest } = fault
  const [text, fields] = KINDS[kind] ?? [kind, []]
  const label = (name) => fields.find(([key]) => key === name)?.[1] ?? name
  const details = Object.entries(rest).filter(([, value]) => value !== false && value !== null)
  const told = details.map(([name, value]) => (value === true ? label(name) : `${label(name)}: ${value}`))
  return told.length > 0 ? `${text} (${told.join('; ')})` : text
}

function ruleText(rule) {
  const parts = [rule.method ?? 'Any method', rule.path ?? 'any path']
  if (rule.nth) parts.push(`only call ${rule.nth}`)
  if (rule.times) parts.push(`at most ${rule.times === 1 ? 'once' : `${rule.times} times`}`)
  if (rule.probability !== undefined) parts.push(`with chance ${rule.probability}`)
  return parts.join(', ')
}

async function faults() {
  const list = h('section', { class: 'card flush' })
  const fill = (told) => {
    const rows = told.faults.map(({ id, rule, seen, fired }) => row(
      h('td', {}, faultText(rule.fault), h('div', { class: 'quiet mono' }, ruleText(rule))),
      h('td', { class: 'tight' }, `${number(fired)} of ${number(seen)}`),
      h('td', { class: 'tight' }, button('Disarm', () => attempt(async () => fill(await api('DELETE', `faults/${id}`))), 'small'))))
    list.replaceChildren(table(['Fault', 'Struck', ''], rows, 'No fault is armed: every call ends as it should.'))
  }
  const look = async () => fill(await get('faults'))
  await look()
  every(2_000, async () => {
    // A table that somebody is about to click in stays as it is.
    if (!list.contains(document.activeElement)) await look()
  })

  const kind = choose(Object.entries(KINDS).map(([key, [text]]) => [key, text]), 'status', { change: () => ask() })
  const details = h('div', { class: 'fields' })
  const ask = () => details.replaceChildren(...KINDS[kind.value][1].map(([name, label, preset]) => {
    if (preset === 'flag') return field(label, choose([['', 'No'], ['true', 'Yes']], '', { name, 'data-kind': 'flag' }))
    if (typeof preset === 'object') return field(label, choose(Object.entries(preset), Object.keys(preset)[0], { name, 'data-kind': 'text' }))
    return field(label, h('input', { name, 'data-kind': 'number', inputmode: 'numeric', value: preset }))
  }))
  ask()
  const method = choose([['', 'Any'], ...['GET', 'POST', 'PATCH', 'PUT', 'DELETE'].map((name) => [name, name])], '')
  const where = h('input', { placeholder: '/crm/v3/objects/contacts', 'aria-describedby': 'path-note' })
  const times = h('input', { inputmode: 'numeric', value: '1' })
  const chance = h('input', { inputmode: 'decimal', placeholder: '1' })
  const form = h('form', {
    submit: (event) => {
      event.preventDefault()
      const fault = { kind: kind.value }
      for (const input of details.querySelectorAll('input, select')) {
        if (input.value === '') continue
        fault[input.name] = { flag: true, number: Number(input.value), text: input.value }[input.dataset.kind]
      }
      const rule = { fault }
      if (method.value) rule.method = method.value
      if (where.value.trim()) rule.path = where.value.trim()
      if (times.value.trim()) rule.times = Number(times.value)
      if (chance.value.trim()) rule.probability = Number(chance.value)
      attempt(async () => {
        fill(await api('POST', 'faults', rule))
        toast('Armed.')
      })
    },
  }, h('div', { class: 'fields' }, field('What happens', kind), field('Method', method), field('Path', where), field('At most so often (empty: always)', times), field('Chance, 0 to 1', chance)),
  details, h('p', { class: 'quiet', id: 'path-note' }, 'A path is a beginning, or a pattern: * stands for one segment, ** for any number of them.'),
  h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Arm')))
  return [
    heading('Faults', 'Which calls go wrong, and how.', button('Disarm all', () => attempt(async () => fill(await api('DELETE', 'faults'))))),
    list, card(h('h2', {}, 'Arm a fault'), form),
  ]
}

// Apps, time -------------------------------------------------------------------------------------------------------

async function apps() {
  const told = await get('oauth')
  const act = (order, text) => attempt(async () => {
    await api('POST', 'oauth', order)
    toast(text)
    await show()
  })
  const appRows = told.apps.map((app) => row(h('code', {}, app.client_id), String(app.app_id), (app.redirect_uris ?? []).join(', ') || 'any allowed address', (app.scopes ?? []).join(' ') || 'any'))
  const grantRows = told.grants.map((grant) => row(
    h('td', {}, h('code', {}, grant.client_id), h('div', { class: 'quiet' }, grant.scopes.join(' '))),
    h('td', { class: 'wide' }, `account ${grant.portal_id}, user ${grant.user_id}, ${when(grant.granted_at)}`),
    h('td', {}, badge(`refresh ${grant.refresh_token}`, grant.refresh_token === 'live' ? 'good' : 'bad'),
      h('div', { class: 'quiet' }, grant.access_tokens_expire_at.length > 0 ? `access until ${when(grant.access_tokens_expire_at.at(-1))}` : 'no access token')),
    h('td', { class: 'tight' }, button('Expire', () => act({ expire: grant.id }, 'Its access tokens have expired.'), 'small'), ' ',
      button('Uninstall', () => act({ uninstall: grant.id }, 'The account has removed the app.'), 'small danger'))))
  return [
    heading('Apps', 'Public apps that accounts install with OAuth, and what accounts have granted.'),
    h('section', { class: 'card flush' }, table(['Client', 'App', 'Redirects', 'Scopes'], appRows, 'None. Start the simulator with --oauth-app ID:SECRET to have one.')),
    h('h2', {}, 'Grants'),
    h('section', { class: 'card flush' }, table(['Client', 'Granted', 'Tokens', ''], grantRows, 'Nobody has installed an app yet.')),
  ]
}

async function webhooks() {
  const counts = h('dl', { class: 'values' })
  const list = h('section', { class: 'card flush' })
  const look = async () => {
    const told = await get('webhooks')
    const always = ['events', 'delivered', 'failed']
    const numbers = Object.entries({ ...told.counts, ...told.pending })
      .filter(([name, value]) => typeof value === 'number' && (value > 0 || always.includes(name)))
    counts.replaceChildren(...numbers.flatMap(([name, value]) => [h('dt', {}, name.replaceAll('_', ' ')), h('dd', {}, number(value))]))
    const rows = told.apps.map((app) => row(
      h('td', { class: 'tight' }, String(app.app_id)), h('td', { class: 'mono' }, app.settings?.targetUrl ?? 'no address yet'),
      h('td', {}, app.subscriptions.map((one) => badge([one.eventType, one.propertyName].filter(Boolean).join(' '), one.active ? 'good' : ''))),
      h('td', { class: 'tight' }, `${number(app.events_waiting)} waiting`)))
    list.replaceChildren(table(['App', 'Told at', 'Of', 'Events'], rows, 'No app is told of anything. The guide shows how to subscribe one.'))
  }
  await look()
  every(1_000, look)
  return [heading('Webhooks', 'Apps that are told what happens, and what became of it.'), list, card(h('h2', {}, 'So far'), counts)]
}

async function time() {
  const face = h('p', { class: 'clock' })
  const look = async () => { face.textContent = `${when((await get('clock')).now)} UTC` }
  const jump = (ms) => attempt(async () => {
    await api('POST', 'clock', { advance_ms: ms })
    await look()
    toast('The clock has moved.')
  })
  await look()
  every(1_000, look)
  const jumps = [['10 seconds', 10_000], ['1 minute', MINUTE], ['30 minutes', 30 * MINUTE], ['1 hour', HOUR], ['1 day', 24 * HOUR], ['30 days', 720 * HOUR]]
  return [
    heading('Time', 'The simulator’s clock. It only moves forward; what falls due in between happens in its order.'),
    card(face, h('div', { class: 'buttons' }, jumps.map(([text, ms]) => button(`+ ${text}`, () => jump(ms))))),
  ]
}

// The frame --------------------------------------------------------------------------------------------------------

const VIEWS = [['calls', 'Calls', calls], ['limits', 'Limits', limits], ['faults', 'Faults', faults], ['webhooks', 'Webhooks', webhooks], ['apps', 'Apps', apps], ['time', 'Time', time]]

function viewOf(words) {
  const [first, ...rest] = words
  if (first === 'records') {
    if (rest.length === 1) return [records, rest]
    return [rest[1] === 'new' ? newRecord : oneRecord, rest]
  }
  return [VIEWS.find(([name]) => name === first)?.[2] ?? overview, rest]
}

function whereAmI() {
  const [place, query] = location.hash.replace(/^#\/?/, '').split('?')
  return [place.split('/').filter(Boolean).map(decodeURIComponent), new URLSearchParams(query ?? '')]
}

function drawFrame() {
  const [words] = whereAmI()
  const here = words.slice(0, 2).join('/')
  const item = (hash, text, count) => h('li', {}, h('a', { href: `#/${hash}`, 'aria-current': here === hash.split('/').map(decodeURIComponent).join('/') ? 'page' : undefined },
    text, count !== undefined && h('span', { class: 'count' }, number(count))))
  const main = ['contacts', 'companies', 'deals', 'tickets', 'products', 'line_items']
  const types = state.portal.types.filter((type) => main.includes(type.name) || type.custom || type.records > 0 || here === `records/${type.name}`)
  $('nav').replaceChildren(item('', 'Overview'), h('li', { class: 'head' }, 'Records'),
    ...types.map((type) => item(`records/${path(type.name)}`, type.label, type.records)),
    h('li', { class: 'head' }, 'Behind the scenes'), ...VIEWS.map(([name, text]) => item(name, text)))
  const nav = document.querySelector('nav')
  const current = nav.querySelector('[aria-current]')
  // On a narrow screen the pages stand in one line that scrolls.
  if (current && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = current.offsetLeft - nav.clientWidth / 2
  $('portal-choice').hidden = state.portals.length < 2
}

async function refresh() {
  const told = await get('portals')
  state.portals = told.portals
  state.portal = told.portals.find((portal) => portal.portal_id === state.portal?.portal_id) ?? told.portals[0]
  $('portal').replaceChildren(...state.portals.map((portal) => h('option', { value: portal.portal_id }, String(portal.portal_id))))
  $('portal').value = state.portal.portal_id
  drawFrame()
}

let shown = 0

/** Draws the view that the address names, and says its name. A view that is overtaken by another is dropped. */
async function show(isNew = true) {
  const turn = (shown += 1)
  state.leave?.()
  state.leave = null
  const [words, query] = whereAmI()
  const [view, rest] = viewOf(words)
  const searching = document.activeElement?.type === 'search' ? document.activeElement.selectionStart : null
  let parts
  try {
    drawFrame()
    parts = await view(rest, query)
  } catch (error) {
    parts = [heading('This cannot be shown'), alertOf(error)]
  }
  if (turn !== shown) return
  $('main').replaceChildren(...parts.filter(Boolean))
  // Whoever drives the page from outside sees by this which view is there.
  $('main').dataset.view = location.hash
  const search = $('main').querySelector('input[type="search"]')
  if (searching !== null && search) {
    search.focus()
    search.setSelectionRange(searching, searching)
  } else if (isNew) {
    $('main').querySelector('h1')?.focus({ preventScroll: true })
  }
}

async function pulse() {
  const line = (name, value) => [h('dt', {}, name), h('dd', {}, value)]
  try {
    const told = await get('calls?limit=0')
    $('pulse').replaceChildren(...line('Calls', number(told.requests)), ...line('Refused 429', number(told.rate_limited)),
      ...line('Time', `${clockTime(told.now_ms).slice(0, 8)} UTC`))
  } catch {
    $('pulse').replaceChildren(...line('Simulator', badge('gone', 'bad')))
  }
}

addEventListener('hashchange', () => show())
$('portal').addEventListener('change', async () => {
  state.portal = state.portals.find((portal) => String(portal.portal_id) === $('portal').value)
  location.hash = '#/'
  await show()
})

async function start() {
  try {
    await refresh()
    await show(false)
  } catch (error) {
    $('main').replaceChildren(heading('This cannot be shown'), alertOf(error))
  }
  setInterval(() => { if (!document.hidden) pulse() }, 2_000)
  await pulse()
}

start()

// Runs named checks one after another and reports them: the plan, a line a check, the totals.
//
// It knows nothing of HubSpot but the simulator's control calls.

import assert from 'node:assert/strict'

export const baseUrl = demand('HUBSPOT_BASE_URL')
export const token = demand('HUBSPOT_TOKEN')

/** No check may hang: one that takes longer has failed. */
const LIMIT_MS = 30_000
/** A state that is waited for comes within this time. */
const STATE_LIMIT_MS = 10_000
const LOOK_AGAIN_MS = 200

const checks = []

/** Adds a check. */
export function check(name, run) {
  checks.push({ name, run })
}

/** Runs all checks and ends the process. */
export async function runAll() {
  console.log(`1..${checks.length}`)
  let failed = 0
  for (const { name, run } of checks) {
    try {
      await inTime(run())
      console.log(`ok ${name}`)
    } catch (error) {
      failed += 1
      console.log(`not ok ${name}: ${oneLine(error)}`)
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`)
  process.exit(failed === 0 ? 0 : 1)
}

/** The error of a call that must fail with this status. */
export async function refusal(status, promise) {
  let answer
  try {
    answer = await promise
  } catch (error) {
    assert.equal(error.code, status, oneLine(error))
    return error
  }
  return assert.fail(`expected ${status}, got ${JSON.stringify(answer)}`)
}

/** Asks again until the answer satisfies: new definitions become visible late. */
export async function eventually(ask, satisfies) {
  const start = Date.now()
  for (;;) {
    const answer = await ask()
    if (satisfies(answer)) return answer
    assert.ok(Date.now() - start < STATE_LIMIT_MS, `never came: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

/** Arms a fault for the length of `run`. */
export async function withFault(rule, run) {
  await control('POST', 'faults', rule)
  try {
    return await run()
  } finally {
    await control('DELETE', 'faults')
  }
}

/** Runs a control call of the simulator. */
export async function control(method, path, body) {
  const answer = await fetch(`${baseUrl}/_control/${path}`, { method, body: body && JSON.stringify(body) })
  assert.ok(answer.ok, `${method} /_control/${path}: ${answer.status}`)
  return answer
}

function demand(name) {
  const value = process.env[name]
  if (value) return value
  console.error(`set ${name}`)
  process.exit(2)
}

function inTime(promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${LIMIT_MS} ms`)), LIMIT_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function oneLine(error) {
  return String(error?.message ?? error).replaceAll(/\s+/g, ' ').slice(0, 1_000)
}

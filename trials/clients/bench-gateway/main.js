// Starts the workers of a load, lets all of them begin at one moment, and prints what each saw, as one line of JSON.
//
// HUBSPOT_BASE_URL=http://127.0.0.1:4000 HUBSPOT_TOKEN=key LOAD=load.json node main.js
// The load: {"limiter": bool, "retries": number, "inFlight": number, "workers": [[call, ...], ...]}; worker.js knows the
// calls. Workers are processes of their own, as services on one portal are: nothing but the server brings them together.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

const load = JSON.parse(readFileSync(process.env.LOAD, 'utf8'))
const workers = load.workers.map((calls) => {
  const worker = fork(new URL('./worker.js', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  worker.on('exit', (code) => {
    if (code !== 0) process.exit(1)
  })
  return { worker, calls }
})
const said = async ({ worker }) => (await once(worker, 'message'))[0]

const ready = Promise.all(workers.map(said))
for (const { worker, calls } of workers) worker.send({ ...load, workers: undefined, calls })
await ready
const ended = Promise.all(workers.map(said))
const begun = performance.now()
for (const { worker } of workers) worker.send('go')
const seen = await ended
const seconds = (performance.now() - begun) / 1000
for (const { worker } of workers) if (worker.connected) worker.disconnect()
console.log(JSON.stringify({ seconds, seen }))

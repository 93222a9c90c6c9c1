// OAuth with HubSpot's own Node client: from the consent page to a revoked token.

import assert from 'node:assert/strict'
import hubspot from '@hubspot/api-client'

import { baseUrl, check, control, refusal } from '../common/checks.mjs'

/** The app that the simulator knows by `--oauth-app client-1:secret-1`. */
const [clientId, clientSecret] = ['client-1', 'secret-1']
const redirectUri = 'http://localhost:3000/callback'
const scopes = ['oauth', 'crm.objects.contacts.read', 'crm.objects.contacts.write']
const HALF_AN_HOUR_S = 1_800
const FORM = 'application/x-www-form-urlencoded'

const { oauth } = new hubspot.Client({ basePath: baseUrl })
const crmOf = (accessToken) => new hubspot.Client({ accessToken, basePath: baseUrl }).crm
const page = (optional, state) => oauth.getAuthorizationUrl(clientId, redirectUri, scopes.join(' '), optional, state)
const exchange = (code, { uri = redirectUri, secret = clientSecret } = {}) =>
  oauth.tokensApi.create('authorization_code', code, uri, clientId, secret)
const refresh = ({ refreshToken }) =>
  oauth.tokensApi.create('refresh_token', undefined, undefined, clientId, clientSecret, refreshToken)
const listOne = async (token) => (await crmOf(token).contacts.basicApi.getPage(1)).results.length

/** The person at the page fills in its form as a browser would; the fields that the app is sent. */
async function decide(address, decision = 'approve') {
  const asked = new URL(address)
  assert.equal(asked.origin, 'https://app.hubspot.com')
  const shown = await fetch(`${baseUrl}${asked.pathname}${asked.search}`)
  assert.equal(shown.status, 200)
  const html = await shown.text()
  const [, action] = html.match(/<form [^>]*action="([^"]+)"/)
  const body = new URLSearchParams({ decision })
  for (const [, name, value] of html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)) {
    body.append(name, unescape(value))
  }
  for (const [, name, value] of html.matchAll(/<input type="checkbox" name="([^"]+)" value="([^"]*)" checked>/g)) {
    body.append(name, unescape(value))
  }
  // A browser sends the first option of a list that nobody touches.
  for (const [, name, value] of html.matchAll(/<select name="([^"]+)"><option>([^<]*)</g)) body.append(name, value)
  const sent = await fetch(`${baseUrl}${action}`, { method: 'POST', body, redirect: 'manual' })
  assert.equal(sent.status, 302)
  const [where, fields] = sent.headers.get('location').split('?')
  assert.equal(where, redirectUri)
  return Object.fromEntries(new URLSearchParams(fields))
}

const letters = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }
const unescape = (text) => text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (name) => letters[name])

/** The tokens and the grant of one installation that the checks share. */
let shared
async function installation() {
  if (!shared) {
    const tokens = await exchange((await decide(page())).code)
    const { grants } = await (await control('GET', 'oauth')).json()
    shared = { tokens, grant: grants.at(-1) }
  }
  return shared
}

/** A call that this client has no function for, through the one that it has for such calls. */
const askAbout = (what, token) =>
  new hubspot.Client({ basePath: baseUrl }).apiRequest({
    method: 'POST', path: `/oauth/2026-03/token/${what}`, defaultJson: false, headers: { 'Content-Type': FORM },
    body: String(new URLSearchParams({ client_id: clientId, client_secret: clientSecret, token })),
  })
const introspected = async (token) => (await askAbout('introspect', token)).json()

check('a person who consents is sent back with a code, one who refuses without', async () => {
  const word = `state_${Date.now()} &="`
  const given = await decide(page(undefined, word))
  assert.deepEqual([Object.keys(given).sort(), given.state], [['code', 'state'], word])
  const refused = await decide(page(undefined, word), 'refuse')
  assert.deepEqual([refused.error, refused.state, 'code' in refused], ['access_denied', word, false])
})

check('a code becomes tokens once', async () => {
  const { code } = await decide(page())
  const got = await exchange(code)
  assert.deepEqual([got.tokenType, got.expiresIn], ['bearer', HALF_AN_HOUR_S])
  assert.ok(got.accessToken && got.refreshToken && got.accessToken !== got.refreshToken)
  assert.equal((await refusal(400, exchange(code))).body.status, 'BAD_AUTH_CODE')
})

check('a code is lost with another address, and kept by another secret', async () => {
  const { code } = await decide(page())
  assert.equal((await refusal(400, exchange(code, { secret: 'guessed' }))).body.status, 'BAD_CLIENT_SECRET')
  assert.equal((await refusal(400, exchange(code, { uri: `${redirectUri}/` }))).body.status, 'BAD_REDIRECT_URI')
  assert.equal((await refusal(400, exchange(code))).body.status, 'BAD_AUTH_CODE')
})

check('an optional scope is granted where the person leaves it checked', async () => {
  const optional = 'crm.objects.companies.read'
  const { accessToken } = await exchange((await decide(page(optional))).code)
  assert.deepEqual([...(await oauth.accessTokensApi.get(accessToken)).scopes].sort(), [...scopes, optional].sort())
  assert.equal((await crmOf(accessToken).companies.basicApi.getPageWithHttpInfo(1)).httpStatusCode, 200)
})

check('an access token calls what its scopes allow and nothing else', async () => {
  const { tokens } = await installation()
  const crm = crmOf(tokens.accessToken)
  const { id } = await crm.contacts.basicApi.create({ properties: { firstname: 'Ada' } })
  assert.equal((await crm.contacts.basicApi.getById(id)).properties.firstname, 'Ada')
  const error = await refusal(403, crm.companies.basicApi.getPage())
  assert.equal(error.body.category, 'MISSING_SCOPES')
  assert.ok(error.body.errors[0].context.requiredGranularScopes.includes('crm.objects.companies.read'))
  const { headers } = await crm.contacts.basicApi.getPageWithHttpInfo(1)
  // Since public apps have no limit of a day.
  const header = (name) => headers[`x-hubspot-ratelimit-${name}`]
  assert.deepEqual([header('max'), header('daily')], ['110', undefined])
})

check('an access token is described', async () => {
  const { tokens, grant } = await installation()
  const info = await oauth.accessTokensApi.get(tokens.accessToken)
  assert.deepEqual([info.token, info.tokenType], [tokens.accessToken, 'access'])
  assert.deepEqual([info.hubId, info.appId], [grant.portal_id, grant.app_id])
  assert.deepEqual([...info.scopes].sort(), [...scopes].sort())
  assert.ok(info.expiresIn >= 0 && info.expiresIn <= HALF_AN_HOUR_S, info.expiresIn)
})

check('a refresh token is described', async () => {
  const { tokens, grant } = await installation()
  const info = await oauth.refreshTokensApi.get(tokens.refreshToken)
  assert.deepEqual([info.token, info.tokenType], [tokens.refreshToken, 'refresh'])
  assert.deepEqual([info.hubId, info.clientId], [grant.portal_id, clientId])
  await refusal(404, oauth.refreshTokensApi.get('nobodys'))
})

check('both tokens are introspected', async () => {
  const { tokens, grant } = await installation()
  for (const [token, use] of [[tokens.accessToken, 'access_token'], [tokens.refreshToken, 'refresh_token']]) {
    const told = await introspected(token)
    assert.deepEqual([told.active, told.token_use, told.hub_id], [true, use, grant.portal_id])
  }
  assert.deepEqual(await introspected('nobodys'), { active: false })
})

check('an expired token is refused, and the same refresh token gives the next', async () => {
  const known = await installation()
  const old = known.tokens
  await control('POST', 'oauth', { expire: known.grant.id })
  const error = await refusal(401, listOne(old.accessToken))
  assert.equal(error.body.category, 'EXPIRED_AUTHENTICATION')
  known.tokens = await refresh(old)
  assert.notEqual(known.tokens.accessToken, old.accessToken)
  assert.equal(known.tokens.refreshToken, old.refreshToken)
  assert.equal(await listOne(known.tokens.accessToken), 1)
})

check('a revoked access token is dead at once', async () => {
  const { accessToken } = await refresh((await installation()).tokens)
  assert.equal((await askAbout('revoke', accessToken)).status, 204)
  await refusal(401, listOne(accessToken))
  assert.deepEqual(await introspected(accessToken), { active: false })
})

check('an archived refresh token gives no more, and what it gave lives on', async () => {
  const { tokens } = await installation()
  assert.equal(await oauth.refreshTokensApi.archive(tokens.refreshToken), undefined)
  const error = await refusal(400, refresh(tokens))
  assert.deepEqual([error.body.error, error.body.status], ['invalid_grant', 'BAD_REFRESH_TOKEN'])
  assert.equal(await listOne(tokens.accessToken), 1)
  await refusal(404, oauth.refreshTokensApi.archive(tokens.refreshToken))
})

// A company's identity provider: the certified `oidc-provider`, over https, with people of a file and keys of a file.
// Told by its environment: LIBRARY (its folder), ISSUER, CERTIFICATE, KEY, FOLDER with people.json and keys.json.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { pathToFileURL } from "node:url";

const { LIBRARY, ISSUER, CERTIFICATE, KEY, FOLDER } = process.env;
const { Provider } = await import(pathToFileURL(`${LIBRARY}/lib/index.js`));
const read = (name) => JSON.parse(readFileSync(`${FOLDER}/${name}.json`));
const AUDIENCE = "arflow";
const SCOPE = "openid ar";

const provider = new Provider(ISSUER, {
  jwks: read("keys"), // the first one of a kind signs, the others are published: tokens of before are still good
  cookies: { keys: ["of the trial"] },
  clients: [
    {
      client_id: "desk",
      redirect_uris: ["https://desk.example.com/signed-in"],
      token_endpoint_auth_method: "none", // a public client: PKCE instead
    },
  ],
  claims: { openid: ["sub"] },
  findAccount: (_ctx, sub) =>
    sub in read("people") ? { accountId: sub, claims: () => ({ sub }) } : undefined,
  extraTokenClaims: (_ctx, token) => read("people")[token.accountId],
  features: {
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:arflow",
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "ar",
        audience: AUDIENCE,
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  // Nobody is asked whether the desk may see what the desk is for.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope(SCOPE);
    grant.addResourceScope("urn:arflow", "ar");
    await grant.save();
    return grant;
  },
  ttl: { Grant: 3600, Session: 3600, Interaction: 600, IdToken: 600 },
});

const served = createServer({ cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) }, provider.callback());
served.listen(Number(new URL(ISSUER).port), "127.0.0.1");

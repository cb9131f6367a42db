// The published JavaScript client library against a realtime server of its own: tokens, subscriptions, presence, history, recovery,
// refresh, differences, in JSON and Protobuf, over WebSocket and its fallbacks.
// Usage: node tests/sdk.mjs SERVER PROXY CONTROL — PROXY leads to SERVER, and a connection to CONTROL cuts what goes through it.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { connect as dial } from 'node:net';
import { once } from 'node:events';
import { Centrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { EventSource } from 'eventsource';
import WebSocket from 'ws';

const [server, proxy, control] = process.argv.slice(2);

const part = (value) => Buffer.from(value).toString('base64url');
function sign(claims) {
  const message = `${part('{"alg":"HS256","typ":"JWT"}')}.${part(JSON.stringify(claims))}`;
  return `${message}.${createHmac('sha256', 'secret').update(message).digest('base64url')}`;
}
const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

async function api(method, body) {
  const headers = { 'X-API-Key': 'test-api-key' };
  const answer = await fetch(`http://${server}/api/${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { result, error } = await answer.json();
  assert.ok(result, `${method}: ${JSON.stringify(error)}`);
  return result;
}

async function cut() {
  const [host, port] = control.split(':');
  await once(dial(port, host).resume(), 'end');
}

/** What an emitter says from now on, one after the other. */
function heard(emitter, event) {
  const waiting = [];
  const ready = [];
  emitter.on(event, (context) => (waiting.length > 0 ? waiting.shift()(context) : ready.push(context)));
  return () => {
    if (ready.length > 0) return Promise.resolve(ready.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${event}`)), 20_000);
      waiting.push((context) => {
        clearTimeout(timer);
        resolve(context);
      });
    });
  };
}

function client(transport, user, extra = {}) {
  const Kind = transport.protobuf ? ProtobufCentrifuge : Centrifuge;
  const made = new Kind([{ transport: transport.name, endpoint: transport.endpoint(proxy) }], {
    token: sign({ sub: user, exp: inSeconds(600), info: { name: user } }),
    websocket: WebSocket,
    fetch: globalThis.fetch,
    readableStream: globalThis.ReadableStream,
    eventsource: EventSource,
    emulationEndpoint: `http://${proxy}/emulation`,
    minReconnectDelay: 50,
    maxReconnectDelay: 200,
    ...extra,
  });
  made.on('error', (context) => console.log('client error', JSON.stringify(context)));
  return made;
}

/** Publishes what the encoding of the client carries. */
const carried = (transport, value) =>
  transport.protobuf ? new TextEncoder().encode(JSON.stringify(value)) : value;
const read = (transport, data) => (transport.protobuf ? JSON.parse(new TextDecoder().decode(data)) : data);

async function everything(transport) {
  const channel = `durable:js-${transport.label}`;
  const reader = client(transport, 'reader');
  const connected = heard(reader, 'connected');
  reader.connect();
  const { client: id } = await connected();

  const subscription = reader.newSubscription(channel, { delta: 'fossil', joinLeave: true });
  const subscribed = heard(subscription, 'subscribed');
  const publications = heard(subscription, 'publication');
  const joins = heard(subscription, 'join');
  subscription.subscribe();
  const first = await subscribed();
  assert.ok(first.recoverable && first.positioned);

  const writer = client(transport, 'writer');
  writer.connect();
  const writing = writer.newSubscription(channel);
  writing.subscribe();
  await writing.ready(20_000);
  let joined = await joins();
  if (joined.info.user === 'reader') joined = await joins();
  assert.equal(joined.info.user, 'writer');

  // Enough of the same that a difference is worth it.
  const text = 'the same words over and over '.repeat(20);
  for (let n = 1; n <= 5; n += 1) await writing.publish(carried(transport, { n, text }));
  for (let n = 1; n <= 5; n += 1) {
    const context = await publications();
    assert.deepEqual([context.offset, read(transport, context.data)], [n, { n, text }]);
    assert.equal(context.info?.user, 'writer');
  }
  await assert.rejects(writer.publish('small:x', carried(transport, 1)), (error) => error.code === 103);

  const presence = await subscription.presence();
  assert.deepEqual(Object.values(presence.clients).map((info) => info.user).sort(), ['reader', 'writer']);
  assert.equal(presence.clients[id].user, 'reader');
  assert.deepEqual(await subscription.presenceStats(), { numClients: 2, numUsers: 2 });
  const history = await subscription.history({ limit: 2, reverse: true });
  assert.deepEqual(history.publications.map((one) => one.offset), [5, 4]);

  // Cut, and 400 publications meanwhile: more than one recovery reply holds.
  await cut();
  const meanwhile = [];
  for (let n = 6; n <= 405; n += 1) meanwhile.push({ publish: { channel, data: { n } } });
  for (let at = 0; at < meanwhile.length; at += 100) await api('batch', { commands: meanwhile.slice(at, at + 100) });
  const again = await subscribed();
  assert.ok(again.wasRecovering && again.recovered, 'it comes back to where it was');
  for (let n = 6; n <= 405; n += 1) {
    const context = await publications();
    assert.deepEqual([context.offset, read(transport, context.data)], [n, { n }]);
  }
  reader.disconnect();
  writer.disconnect();
  console.log(`${transport.label}: connected, subscribed, published, present, recovered 400`);
}

async function tokens(transport) {
  // A token that is refreshed before it has run out, and one for a private channel.
  let asked = 0;
  const refreshing = client(transport, 'short', {
    token: '',
    getToken: async () => {
      asked += 1;
      return sign({ sub: 'short', exp: inSeconds(asked < 3 ? 2 : 600) });
    },
  });
  const personal = heard(refreshing, 'subscribed');
  refreshing.connect();
  assert.equal((await personal()).channel, '#short', 'a channel of its own');
  let subscriptionTokens = 0;
  const channel = '$durable:secret';
  const secret = refreshing.newSubscription(channel, {
    getToken: async () => {
      subscriptionTokens += 1;
      return sign({ sub: 'short', channel, exp: inSeconds(subscriptionTokens < 3 ? 2 : 600) });
    },
  });
  secret.subscribe();
  await secret.ready(20_000);
  const published = heard(secret, 'publication');
  const begun = Date.now();
  for (let n = 0; asked < 3 || subscriptionTokens < 3; n += 1) {
    assert.ok(Date.now() - begun < 30_000, `refreshed ${asked} and ${subscriptionTokens} times`);
    await api('publish', { channel, data: { n } });
    assert.deepEqual(read(transport, (await published()).data), { n });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const refused = refreshing.newSubscription('$durable:other', { token: sign({ sub: 'other', channel: '$durable:other' }) });
  const unsubscribed = heard(refused, 'unsubscribed');
  refused.subscribe();
  assert.equal((await unsubscribed()).code, 103);
  // What the server orders.
  const disconnected = heard(refreshing, 'disconnected');
  await api('disconnect', { user: 'short', disconnect: { code: 4501, reason: 'enough' } });
  const end = await disconnected();
  assert.deepEqual([end.code, end.reason], [4501, 'enough']);

  const stranger = client(transport, 'stranger', { token: 'eyJhbGciOiJub25lIn0.e30.' });
  const turnedAway = heard(stranger, 'disconnected');
  stranger.connect();
  assert.equal((await turnedAway()).code, 3500);
  console.log(`${transport.label}: tokens refreshed ${asked} and ${subscriptionTokens} times`);
}

async function window(transport) {
  // Beyond what a namespace keeps nobody is told that it recovered.
  const reader = client(transport, 'window');
  reader.connect();
  const subscription = reader.newSubscription('small:js');
  const subscribed = heard(subscription, 'subscribed');
  subscription.subscribe();
  await subscribed();
  await cut();
  for (let n = 0; n < 5; n += 1) await api('publish', { channel: 'small:js', data: { n } });
  const again = await subscribed();
  assert.ok(again.wasRecovering && !again.recovered);
  reader.disconnect();
  console.log(`${transport.label}: a small window says that it is one`);
}

const websocket = (host) => `ws://${host}/connection/websocket`;
const httpStream = (host) => `http://${host}/connection/http_stream`;
const transports = [
  { label: 'websocket', name: 'websocket', endpoint: websocket },
  { label: 'protobuf', name: 'websocket', endpoint: websocket, protobuf: true },
  { label: 'http_stream', name: 'http_stream', endpoint: httpStream },
  { label: 'http_stream-protobuf', name: 'http_stream', endpoint: httpStream, protobuf: true },
  { label: 'sse', name: 'sse', endpoint: (host) => `http://${host}/connection/sse` },
];
for (const transport of transports) await everything(transport);
for (const transport of transports.slice(0, 3)) await tokens(transport);
await window(transports[0]);
process.exit(0);

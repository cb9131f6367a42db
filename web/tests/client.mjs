// The unmodified `centrifuge` client against a running site: connect, subscribe, publish, history, presence, rpc, and
// recovery after a dropped socket. Usage: node tests/client.mjs URL BROADCAST HOST_TOKEN FAN_TOKEN
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

const [url, broadcast, hostToken, fanToken] = process.argv.slice(2);
const endpoint = `${url.replace('http', 'ws')}/connection/websocket`;
const channel = `chat:${broadcast}`;

const sockets = [];
class RememberedWebSocket extends WebSocket {
  constructor(...parameters) {
    super(...parameters);
    sockets.push(this);
  }
}

function connect(token, websocket = WebSocket) {
  const client = new Centrifuge(endpoint, { token, websocket, minReconnectDelay: 20, maxReconnectDelay: 100 });
  client.on('error', (context) => console.log('client error', context));
  return client;
}

async function subscribed(client, name) {
  const subscription = client.newSubscription(name);
  const ready = new Promise((resolve, reject) => {
    subscription.once('subscribed', resolve);
    subscription.once('unsubscribed', (context) => reject(new Error(`unsubscribed: ${context.reason}`)));
  });
  subscription.subscribe();
  client.connect();
  return [subscription, await ready];
}

// A reader without an account.
const reader = connect('', RememberedWebSocket);
const [reading, context] = await subscribed(reader, channel);
assert.equal(context.recoverable, true);
const seen = [];
const news = new EventEmitter();
reading.on('publication', (publication) => {
  seen.push(publication);
  news.emit('publication');
});
const until = async (count) => {
  while (seen.length < count) await once(news, 'publication');
};

// A fan who talks.
const fan = connect(fanToken);
const [talking] = await subscribed(fan, channel);
for (let number = 1; number <= 20; number++) {
  await talking.publish({ text: `안녕 ${number} <b>&`, client_id: String(number) });
}
await until(20);
assert.deepEqual(seen.map((publication) => publication.offset), Array.from({ length: 20 }, (_, index) => index + 1));
assert.equal(seen[0].data.text, '안녕 1 <b>&');

// A resend with the same client id adds nothing.
await talking.publish({ text: '안녕 20 <b>&', client_id: '20' });
const history = await talking.history({ limit: 5, reverse: true });
assert.equal(history.offset, 20);
assert.deepEqual(history.publications.map((publication) => publication.offset), [20, 19, 18, 17, 16]);

const forward = await talking.history({ limit: 3, since: { offset: 10, epoch: history.epoch } });
assert.deepEqual(forward.publications.map((publication) => publication.offset), [11, 12, 13]);

const presence = await talking.presenceStats();
assert.equal(presence.numClients, 2);

// An anonymous reader may not talk; too long a text says so.
await assert.rejects(reading.publish({ text: 'let me' }), (error) => error.code >= 100);
await assert.rejects(talking.publish({ text: 'x'.repeat(501) }), (error) => /500/.test(error.message));

// A dropped socket: what was said meanwhile comes once, in order.
const back = new Promise((resolve) => reading.once('subscribed', resolve));
sockets.at(-1).terminate();
for (let number = 21; number <= 60; number++) {
  await talking.publish({ text: `again ${number}`, client_id: String(number) });
}
const recovery = await back;
assert.equal(recovery.wasRecovering, true);
assert.equal(recovery.recovered, true);
await until(60);
assert.deepEqual(seen.map((publication) => publication.offset), Array.from({ length: 60 }, (_, index) => index + 1));

// The state channel tells the present state at once, and rpc takes beats.
const [live, state] = await subscribed(fan, `live:${broadcast}`);
assert.equal(state.data.type, 'state');
const playback = await (
  await fetch(`${url}/api/v1/playbacks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${hostToken}` },
    body: JSON.stringify({ broadcast }),
  })
).json();
await fan.rpc('beat', { session: playback.session, position_ms: 0 });
await assert.rejects(fan.rpc('hearts', { session: 'forged', seq: 1, taps: [1] }), (error) => error.code > 0);
await assert.rejects(subscribed(fan, 'chat:1'), /unsubscribed|unknown|not found/i);

live.unsubscribe();
reader.disconnect();
fan.disconnect();
console.log('the client is at home');

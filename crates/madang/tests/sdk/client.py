"""The published Python client library against a realtime server: tokens, subscriptions, presence, history, recovery, refresh,
differences, in JSON and Protobuf. Usage: client.py SERVER PROXY CONTROL (see ../it/sdks.rs)."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.request

from centrifuge import CentrifugeError, Client, ClientEventHandler, DeltaType, SubscriptionEventHandler

SERVER, PROXY, CONTROL = sys.argv[1:]
PATIENCE = 20


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def sign(**claims) -> str:
    message = part(b'{"alg":"HS256"}') + "." + part(json.dumps(claims).encode())
    return message + "." + part(hmac.new(b"secret", message.encode(), hashlib.sha256).digest())


def call(method: str, body) -> dict:
    request = urllib.request.Request(f"http://{SERVER}/api/{method}", json.dumps(body).encode())
    request.add_header("X-API-Key", "test-api-key")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        told = json.load(answer)
    assert "result" in told, (method, told)
    return told["result"]


async def api(method: str, body) -> dict:
    return await asyncio.get_running_loop().run_in_executor(None, call, method, body)


async def cut() -> None:
    host, port = CONTROL.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await reader.read()
    writer.close()


class Heard(ClientEventHandler, SubscriptionEventHandler):
    """Keeps what happened, by kind."""

    def __init__(self):
        self.queues = {}

    def of(self, kind: str) -> asyncio.Queue:
        return self.queues.setdefault(kind, asyncio.Queue())

    async def next(self, kind: str):
        return await asyncio.wait_for(self.of(kind).get(), PATIENCE)

    async def on_connected(self, ctx):
        self.of("connected").put_nowait(ctx)

    async def on_disconnected(self, ctx):
        self.of("disconnected").put_nowait(ctx)

    async def on_subscribed(self, ctx):
        self.of("subscribed").put_nowait(ctx)

    async def on_publication(self, ctx):
        self.of("publication").put_nowait(ctx)

    async def on_join(self, ctx):
        self.of("join").put_nowait(ctx)


async def everything(protobuf: bool) -> None:
    label = "protobuf" if protobuf else "json"
    channel = f"durable:python-{label}"
    refreshes = 0

    async def token() -> str:
        nonlocal refreshes
        refreshes += 1
        return sign(sub="reader", exp=int(time.time()) + (2 if refreshes < 3 else 600))

    def carried(value):
        return json.dumps(value).encode() if protobuf else value

    def read(data):
        return json.loads(data) if protobuf else data

    events, of_channel = Heard(), Heard()
    client = Client(
        f"ws://{PROXY}/connection/websocket", events=events, get_token=token, use_protobuf=protobuf, min_reconnect_delay=0.05
    )
    await client.connect()
    await events.next("connected")
    subscription = client.new_subscription(channel, events=of_channel, delta=DeltaType.FOSSIL, join_leave=True)
    await subscription.subscribe()
    assert (await of_channel.next("subscribed")).recoverable
    text = "the same words over and over " * 20
    for number in range(1, 6):
        await subscription.publish(carried({"n": number, "text": text}))
        published = (await of_channel.next("publication")).pub
        assert (published.offset, read(published.data)) == (number, {"n": number, "text": text}), published
        assert published.info.user == "reader"
    stranger = client.new_subscription("$durable:x", events=Heard())
    await stranger.subscribe()
    try:
        await client.publish("small:x", carried(1))
        raise AssertionError("it may not publish there")
    except CentrifugeError as error:
        assert getattr(error, "code", None) == 103, error
    presence = await subscription.presence()
    assert [info.user for info in presence.clients.values()] == ["reader"]
    stats = await subscription.presence_stats()
    assert (stats.num_clients, stats.num_users) == (1, 1)
    history = await subscription.history(limit=2, reverse=True)
    assert [one.offset for one in history.publications] == [5, 4]

    await cut()
    commands = [{"publish": {"channel": channel, "data": {"n": number}}} for number in range(6, 406)]
    for at in range(0, 400, 100):
        await api("batch", {"commands": commands[at : at + 100]})
    again = await of_channel.next("subscribed")
    assert again.was_recovering and again.recovered
    for number in range(6, 406):
        published = (await of_channel.next("publication")).pub
        assert (published.offset, read(published.data)) == (number, {"n": number}), published
    deadline = time.monotonic() + PATIENCE
    while refreshes < 3:
        assert time.monotonic() < deadline, f"refreshed {refreshes} times"
        await asyncio.sleep(0.1)
    await api("disconnect", {"user": "reader", "disconnect": {"code": 4501, "reason": "enough"}})
    end = await events.next("disconnected")
    while end.code == 1:  # the cut: this library tells of it in the same way
        end = await events.next("disconnected")
    assert (end.code, end.reason) == (4501, "enough"), end
    print(f"{label}: connected, subscribed, published, present, recovered 400, refreshed {refreshes} times")


async def main() -> None:
    await everything(protobuf=False)
    await everything(protobuf=True)


asyncio.run(main())

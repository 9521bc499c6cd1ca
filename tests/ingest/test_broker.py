"""The embedded broker, judged from outside: by MQTT clients, by signals, by its files."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiomqtt
import nats
import psutil
import pytest
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import CallbackAPIVersion

from davy.domain.errors import BrokerError
from davy.ingest.broker import Broker, BrokerState, Phase
from davy.ingest.external import Credentials, Endpoint, External
from davy.ingest.nats_config import BrokerSettings, BrokerUser
from davy.ingest.violations import Refused, Violation

KITCHEN = BrokerUser(site="home", device="kitchen-1", token="kitchen-token")
CELLAR = BrokerUser(site="home", device="cellar-1", token="cellar-token")


def settings(directory: Path, **changes: object) -> BrokerSettings:
    return BrokerSettings(data_dir=directory / "nats", mqtt_port=0, **changes)  # type: ignore[arg-type]


def device(
    broker: Broker, user: BrokerUser, client_id: str = "", timeout_s: float = 3, **more: object
) -> aiomqtt.Client:
    return aiomqtt.Client(
        broker.mqtt.host,
        broker.mqtt.port,
        username=user.device,
        password=user.token,
        identifier=client_id or user.device,
        timeout=timeout_s,
        **more,  # type: ignore[arg-type]
    )


def davy_itself(broker: Broker) -> aiomqtt.Client:
    user, password = broker.nats_credentials.user, broker.nats_credentials.password
    mqtt = broker.mqtt
    return aiomqtt.Client(
        mqtt.host, mqtt.port, username=user, password=password, tls_context=broker.mqtt_tls()
    )


async def heard(client: aiomqtt.Client, within_s: float = 0.4) -> list[tuple[str, bytes, int]]:
    """Everything that a client is sent in this time: (topic, payload, QoS)."""
    messages = []
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            async for one in client.messages:
                messages.append((str(one.topic), bytes(one.payload), one.qos))  # noqa: PERF401
    return messages  # an async comprehension would lose them all when time is up


async def is_refused(client: aiomqtt.Client) -> bool:
    try:
        async with client:
            return False
    except aiomqtt.MqttError:
        return True


async def until(reached, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not reached():  # noqa: ASYNC110 - files and signals set no event
            await asyncio.sleep(0.01)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(settings(tmp_path)) as running:
        await running.set_devices([KITCHEN, CELLAR])
        yield running


async def test_it_is_ready_within_two_seconds_on_free_ports_of_loopback(tmp_path):
    start = time.monotonic()
    async with Broker(settings(tmp_path)) as broker:
        took_s = time.monotonic() - start

        assert took_s < 2
        assert broker.mqtt.host == "127.0.0.1"
        assert broker.nats_url == f"nats://127.0.0.1:{broker.nats_url.rsplit(':')[-1]}"
        assert {broker.mqtt.port, int(broker.nats_url.rsplit(":")[-1])}.isdisjoint({0, -1, 1883})
        assert broker.version == "2.15.1", (
            "the inbox leans on this version: see notes on $MQTT_msgs"
        )


async def test_nobody_is_let_in_before_the_gateway_opens_the_door(tmp_path):
    async with Broker(settings(tmp_path)) as broker:
        assert await is_refused(device(broker, KITCHEN))
        await broker.set_devices([KITCHEN])
        assert not await is_refused(device(broker, KITCHEN))


async def test_a_device_hears_its_own_command_with_qos_1_and_nothing_else(broker):
    async with davy_itself(broker) as davy, device(broker, KITCHEN) as kitchen:
        granted = {}
        for topic in (
            "davy/v1/home/kitchen-1/command",
            "davy/v1/home/cellar-1/command",
            "#",
            "davy/v1/home/cellar-1/readings",
            "davy/v1/#",
            "$MQTT/#",
        ):
            granted[topic] = (await kitchen.subscribe(topic, qos=1))[0].is_failure
        await davy.publish("davy/v1/home/kitchen-1/command", b"mine", qos=1)
        await davy.publish("davy/v1/home/cellar-1/command", b"not mine", qos=1)
        await davy.publish("davy/v1/home/cellar-1/readings", b"not mine", qos=1)

        assert [topic for topic, failed in granted.items() if not failed] == [
            "davy/v1/home/kitchen-1/command"
        ]
        assert await heard(kitchen) == [("davy/v1/home/kitchen-1/command", b"mine", 1)]


async def test_a_device_is_heard_under_its_own_topics_only(broker):
    own = [f"davy/v1/home/kitchen-1/{leaf}" for leaf in ("readings", "frames", "status")]
    foreign = ["davy/v1/home/cellar-1/readings", "davy/v1/home/kitchen-1/command", "else", "/"]
    async with davy_itself(broker) as davy, device(broker, KITCHEN) as kitchen:
        await davy.subscribe("#", qos=1)
        for topic in own + foreign:
            await kitchen.publish(topic, b"x", qos=1)

        assert [topic for topic, _, _ in await heard(davy)] == own


async def test_a_last_will_under_a_foreign_topic_is_not_heard(broker):
    will = aiomqtt.Will("davy/v1/home/cellar-1/status", b'{"state":"offline"}', qos=1)
    async with davy_itself(broker) as davy:
        await davy.subscribe("davy/v1/+/+/status", qos=1)
        async with device(broker, KITCHEN, timeout_s=0.5, will=will) as kitchen:
            kitchen._client.socket().shutdown(socket.SHUT_RDWR)
            with suppress(aiomqtt.MqttError):
                await kitchen.publish("davy/v1/home/kitchen-1/readings", b"x", qos=1)

        assert await heard(davy) == []


async def test_who_takes_over_a_session_does_not_hear_its_commands(broker):
    command = "davy/v1/home/kitchen-1/command"
    async with davy_itself(broker) as davy:
        async with device(broker, KITCHEN, "shared", clean_session=False) as kitchen:
            await kitchen.subscribe(command, qos=1)
        await davy.publish(command, b"secret", qos=1)
        async with device(broker, CELLAR, "shared", clean_session=False) as thief:
            await davy.publish(command, b"secret too", qos=1)
            stolen = await heard(thief)
        async with device(broker, KITCHEN, "shared", clean_session=False) as kitchen:
            received = [payload for _, payload, _ in await heard(kitchen)]

    assert stolen == []
    assert b"secret too" in received


async def test_a_device_cannot_come_in_by_the_nats_door(broker):
    async def quiet(_: Exception) -> None:
        return None

    with pytest.raises(nats.errors.Error, match="Authorization"):
        await nats.connect(
            broker.nats_url,
            user=KITCHEN.device,
            password=KITCHEN.token,
            allow_reconnect=False,
            error_cb=quiet,
        )


async def test_what_was_refused_is_told_with_the_user_that_the_token_proves(broker):
    found: list[Violation] = []
    login = BrokerUser(site="home", device="stranger", token="guess-guess")
    async with device(broker, KITCHEN, client_id='cellar-1"[FTL]lie') as liar:
        await liar.publish("davy/v1/home/cellar-1/readings", b"x", qos=1)
        await liar.subscribe("davy/v1/#")
    assert await is_refused(device(broker, login))
    async with asyncio.timeout(5):
        async for violation in broker.violations():
            found.append(violation)
            if len(found) == 3:
                break

    assert [(one.refused, one.device, one.subject) for one in found] == [
        (Refused.PUBLISH, "kitchen-1", "davy.v1.home.cellar-1.readings"),
        (Refused.SUBSCRIBE, "kitchen-1", "davy.v1.>"),
        (Refused.LOGIN, "stranger", ""),
    ]
    assert "lie" in found[0].client_id
    assert abs(found[0].at_s - time.time()) < 5


async def test_reading_violations_ends_when_the_broker_stops(tmp_path):
    broker = Broker(settings(tmp_path))
    await broker.start()
    reader = asyncio.create_task(anext(broker.violations(), None))
    await asyncio.sleep(0.1)
    await broker.stop()

    assert await asyncio.wait_for(reader, 3) is None


async def test_devices_come_and_go_while_two_hundred_stay_connected(broker):
    users = [BrokerUser(site="plant", device=f"d-{i}", token=f"token-{i:04}") for i in range(200)]
    await broker.set_devices(users)
    before = broker.reloads
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(device(broker, user)) for user in users[:40]]
        lost = [asyncio.create_task(anext(aiter(client.messages), None)) for client in clients]
        more = [
            BrokerUser(site="plant", device=f"new-{i}", token=f"token-{i:04}") for i in range(300)
        ]
        rounds = [broker.set_devices(users + more[: i + 1]) for i in range(300)]
        await asyncio.gather(*rounds)
        for user, client in zip(users, clients, strict=False):
            await client.publish(f"davy/v1/plant/{user.device}/readings", b"x", qos=1)

        assert not any(task.done() for task in lost), "a reload disconnected somebody"
        assert not await is_refused(device(broker, more[-1]))
        assert broker.reloads - before <= 3, "three hundred additions share their reloads"
        for task in lost:
            task.cancel()


@pytest.mark.parametrize(
    "after",
    [[CELLAR], [CELLAR, BrokerUser(site="home", device="kitchen-1", token="rotated-token")]],
    ids=["revoked", "rotated"],
)
async def test_who_lost_its_right_is_disconnected_and_its_neighbour_is_not(broker, after):
    gone = asyncio.Event()
    kitchen = PahoClient(CallbackAPIVersion.VERSION2, client_id="paho", reconnect_on_failure=False)
    loop = asyncio.get_running_loop()
    kitchen.on_disconnect = lambda *_: loop.call_soon_threadsafe(gone.set)
    kitchen.username_pw_set(KITCHEN.device, KITCHEN.token)
    await asyncio.to_thread(kitchen.connect, broker.mqtt.host, broker.mqtt.port)
    kitchen.loop_start()
    await until(kitchen.is_connected)
    try:
        async with device(broker, CELLAR) as cellar:
            await broker.set_devices(after)
            await asyncio.wait_for(gone.wait(), 3)
            await cellar.publish("davy/v1/home/cellar-1/readings", b"x", qos=1)
        assert await is_refused(device(broker, KITCHEN))
    finally:
        await asyncio.to_thread(kitchen.loop_stop)


async def test_a_refused_change_leaves_the_devices_before_in_force(broker):
    twice = BrokerUser(site="shed", device="kitchen-1", token="another-token")

    with pytest.raises(BrokerError, match=r"(?i)kitchen-1.*the ones before stay in force"):
        await broker.set_devices([KITCHEN, twice])

    assert not await is_refused(device(broker, KITCHEN))
    os.kill(broker.pid, signal.SIGKILL)
    await until(lambda: broker.pid == 0)
    await until(lambda: broker.pid != 0 and broker.state.phase is Phase.RUNNING)
    assert not await is_refused(device(broker, KITCHEN))


async def test_a_killed_server_comes_back_on_the_same_ports_with_what_it_had_stored(tmp_path):
    states: list[BrokerState] = []
    async with Broker(settings(tmp_path), on_state=states.append) as broker:
        await broker.set_devices([KITCHEN])
        command = "davy/v1/home/kitchen-1/command"
        async with device(broker, KITCHEN, clean_session=False) as kitchen:
            await kitchen.subscribe(command, qos=1)
        async with davy_itself(broker) as davy:
            await davy.publish(command, b"kept", qos=1)
        before = (broker.mqtt, broker.nats_url, broker.nats_credentials, broker.pid)

        os.kill(broker.pid, signal.SIGKILL)
        await until(lambda: len(states) == 4)

        assert [state.phase for state in states] == [
            Phase.STARTING,
            Phase.RUNNING,
            Phase.RESTARTING,
            Phase.RUNNING,
        ]
        assert "code -9" in states[2].detail
        assert before[:3] == (broker.mqtt, broker.nats_url, broker.nats_credentials)
        assert broker.pid not in (0, before[3])
        async with device(broker, KITCHEN, clean_session=False) as kitchen:
            assert [payload for _, payload, _ in await heard(kitchen)] == [b"kept"]
    assert states[-1].phase is Phase.STOPPED


async def test_while_its_port_is_taken_it_keeps_trying_with_longer_pauses(tmp_path):
    states: list[BrokerState] = []
    async with Broker(settings(tmp_path), on_state=states.append) as broker:
        await broker.set_devices([KITCHEN])
        os.kill(broker.pid, signal.SIGKILL)
        await until(lambda: broker.pid == 0)
        with socket.create_server((broker.mqtt.host, broker.mqtt.port)):
            await until(lambda: sum(s.phase is Phase.RESTARTING for s in states) >= 3)
            assert "address already in use" in states[-1].detail
            await broker.set_devices([KITCHEN, CELLAR])  # while it is down: the next start has it
        await until(lambda: broker.state.phase is Phase.RUNNING)
        assert not await is_refused(device(broker, CELLAR))


PARENT = """
import asyncio, os, sys
from pathlib import Path
from davy.ingest.broker import Broker
from davy.ingest.nats_config import BrokerSettings

async def main():
    async with Broker(BrokerSettings(data_dir=Path(sys.argv[1]), mqtt_port=0)) as broker:
        print(broker.pid, broker.mqtt.port, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_the_server_does_not_outlive_its_parent(tmp_path, how):
    directory = tmp_path / "nats"
    parent = subprocess.Popen(  # noqa: ASYNC220 - it is waited for below
        [sys.executable, "-c", PARENT, str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    server, _ = map(int, parent.stdout.readline().split())
    assert is_running(server)

    parent.send_signal(how)
    parent.wait(5)

    await until(lambda: not is_running(server), within_s=2)
    async with Broker(BrokerSettings(data_dir=directory, mqtt_port=0)) as broker:
        assert broker.pid
    parent.stdout.close()


def is_running(pid: int) -> bool:
    """Dead processes that nobody has waited for yet (a container without init) do not count."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


ORPHAN = """
import asyncio, os, subprocess, sys
from pathlib import Path
from davy.ingest.nats_config import BrokerSettings, config_text
from davy.ingest.process import DirectoryLock, find_binary

settings = BrokerSettings(data_dir=Path(sys.argv[1]), mqtt_port=0)
lock = asyncio.run(DirectoryLock.take(settings.data_dir))
settings.config_file.write_text(
    config_text(settings, [], mqtt_port=-1, nats_port=-1, password="a-password")
)
server = subprocess.Popen(
    [find_binary(None), "-c", settings.config_file], pass_fds=[lock.descriptor],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
lock.note(server.pid)
print(server.pid, flush=True)
os._exit(0)  # no tether: as on a system that cannot bind a child to its parent
"""


async def test_an_orphan_on_the_directory_is_ended_before_the_store_is_opened(tmp_path):
    script = [sys.executable, "-c", ORPHAN, str(tmp_path / "nats")]
    orphan = int(await asyncio.to_thread(subprocess.check_output, script))
    assert is_running(orphan)

    async with Broker(settings(tmp_path)) as broker:
        assert not is_running(orphan)
        assert broker.pid != orphan


async def test_a_second_broker_on_the_same_directory_is_refused(broker):
    with pytest.raises(BrokerError, match=rf"in use by .* {os.getpid()}; stop it"):
        await Broker(broker.settings).start()

    assert not await is_refused(device(broker, KITCHEN))


async def test_configuration_and_log_can_be_read_by_the_owner_only(broker):
    directory = broker.settings.data_dir
    modes = {name: (directory / name).stat().st_mode & 0o077 for name in ("nats.conf", "nats.log")}

    assert modes == {"nats.conf": 0, "nats.log": 0}
    assert directory.stat().st_mode & 0o077 == 0
    assert broker.nats_credentials.password not in repr(broker.nats_credentials)


async def test_a_log_that_grew_too_large_is_rolled_over_and_still_followed(tmp_path):
    small = settings(tmp_path, log_bytes=20_000, log_files=2)
    async with Broker(small) as broker:
        await broker.set_devices([KITCHEN])
        async with device(broker, KITCHEN) as kitchen:
            for i in range(400):
                await kitchen.publish(f"elsewhere/{i}", b"x")
            await kitchen.publish("davy/v1/home/kitchen-1/readings", b"x", qos=1)
        last = None
        async with asyncio.timeout(5):
            async for violation in broker.violations():
                last = violation.subject
                if last == "elsewhere.399":
                    break
        files = list(small.data_dir.glob("nats.log*"))

    assert last == "elsewhere.399"
    assert 2 <= len(files) <= 3
    assert sum(file.stat().st_size for file in files) < 80_000


async def test_a_pack_of_300_kb_reaches_the_gateway_and_one_above_the_limit_does_not(broker):
    topic = "davy/v1/home/kitchen-1/readings"
    async with davy_itself(broker) as davy:
        await davy.subscribe("davy/v1/#", qos=1)
        async with device(broker, KITCHEN, timeout_s=1) as kitchen:
            await kitchen.publish(topic, b"x" * 300_000, qos=1)
            with suppress(aiomqtt.MqttError):
                await kitchen.publish(topic, b"x" * 1_100_000, qos=1)
        assert [len(payload) for _, payload, _ in await heard(davy, 1.0)] == [300_000]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=davy.example -keyout {key} -out {cert}"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not here to make a certificate")
    return cert, key


async def test_with_a_certificate_mqtt_is_tls_only(tmp_path, certificate):
    cert, key = certificate
    async with Broker(settings(tmp_path, certificate=cert, key=key)) as broker:
        assert broker.mqtt.url == f"mqtts://127.0.0.1:{broker.mqtt.port}"
        await broker.set_devices([KITCHEN])
        async with davy_itself(broker) as davy:
            await davy.subscribe("davy/v1/#", qos=1)
            async with device(broker, KITCHEN, tls_context=broker.mqtt_tls()) as kitchen:
                await kitchen.publish("davy/v1/home/kitchen-1/readings", b"x", qos=1)
            assert len(await heard(davy)) == 1
        assert await is_refused(device(broker, KITCHEN, timeout_s=0.5))


async def test_a_key_that_is_no_key_is_told_in_the_server_s_own_words(tmp_path, certificate):
    cert, _ = certificate
    with pytest.raises(BrokerError, match=r"X509 certificate/key pair.*must be PEM files"):
        await Broker(settings(tmp_path, certificate=cert, key=cert)).start()


async def test_a_taken_port_is_told_with_a_cure_and_the_directory_is_free_again(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = BrokerSettings(data_dir=tmp_path, mqtt_port=taken.getsockname()[1])
        states: list[BrokerState] = []
        with pytest.raises(BrokerError, match="address already in use; stop what listens there"):
            await Broker(wanted, on_state=states.append).start()
    assert [state.phase for state in states] == [Phase.STARTING, Phase.STOPPED]
    async with Broker(wanted) as broker:
        assert broker.mqtt.port == wanted.mqtt_port


@pytest.mark.parametrize("binary", ["nowhere/nats-server", "."], ids=["missing", "a directory"])
async def test_a_binary_that_cannot_be_run_is_told(tmp_path, binary):
    with pytest.raises(BrokerError, match="no program that can be run; correct the path"):
        await Broker(settings(tmp_path, binary=tmp_path / binary)).start()


async def test_a_program_that_is_no_nats_server_is_told(tmp_path):
    with pytest.raises(BrokerError, match=r"nats-server \(/bin/false\): it ended at once"):
        await Broker(settings(tmp_path, binary=Path("/bin/false"))).start()


async def test_a_full_store_withholds_the_acknowledgement(tmp_path):
    async with Broker(settings(tmp_path, max_store_bytes=1 << 20)) as broker:
        await broker.set_devices([KITCHEN])
        async with davy_itself(broker) as davy:
            await davy.subscribe("davy/v1/#", qos=1)  # somebody who wants it, and never reads
        client = await nats.connect(
            broker.nats_url,
            user=broker.nats_credentials.user,
            password=broker.nats_credentials.password,
        )
        await client.jetstream().add_consumer("$MQTT_msgs", durable_name="inbox", ack_policy="all")
        async with device(broker, KITCHEN) as kitchen:
            kitchen.timeout = 1
            acknowledged = 0
            with suppress(aiomqtt.MqttError):
                while acknowledged < 12:
                    await kitchen.publish("davy/v1/home/kitchen-1/readings", b"x" * 200_000, qos=1)
                    acknowledged += 1
        kept = (await client.jetstream().stream_info("$MQTT_msgs")).state.messages
        await client.close()

    assert acknowledged == kept
    assert 1 <= kept < 12


async def test_an_external_broker_has_the_same_face(broker):
    elsewhere = External(
        mqtt=Endpoint(broker.mqtt.host, broker.mqtt.port),
        nats_url=broker.nats_url,
        nats_credentials=Credentials(KITCHEN.device, KITCHEN.token),
    )
    async with elsewhere:
        await elsewhere.set_devices([])
        assert [violation async for violation in elsewhere.violations()] == []
        assert elsewhere.mqtt_tls() is None
    assert not await is_refused(device(broker, KITCHEN))


def test_the_lock_file_names_its_holders(tmp_path):
    from davy.ingest.process import DirectoryLock

    lock = asyncio.run(DirectoryLock.take(tmp_path))
    lock.note(server=4711)

    assert json.loads(lock.path.read_text()) == {"davy": os.getpid(), "server": 4711}
    lock.release()

"""Draws and encodes the clips that `madang demo` loops: a yard with lanterns, at three times of the day.

Needs numpy, Pillow and ffmpeg with libx264. Each clip lasts 12 s and every movement in it repeats in that time, so it
loops without a seam. H.264 with B-frames, a keyframe every 2 s, AAC; as FLV, which is what RTMP carries.

    python3 make.py            writes night.flv, dawn.flv and dusk.flv beside this file
"""

import math
import pathlib
import subprocess
import tempfile
import wave

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, FPS, SECONDS = 854, 480, 30, 12
FRAMES = FPS * SECONDS
RATE = 44_100

# sky above, sky at the horizon, hills, roofs, ground, lantern, light of the disc, stars
SCENES = {
    "night": ("#0b1030", "#3a2a5c", "#1b1b40", "#12122c", "#1a1630", "#ffb14a", "#fff3d0", 90),
    "dawn": ("#7fb8d8", "#ffd9b0", "#6b93a0", "#3d5566", "#8c7a5e", "#ff7a59", "#fff6dc", 0),
    "dusk": ("#2b1b4d", "#e8735a", "#4a2a56", "#2a1838", "#3a2036", "#ffd25e", "#ffe2b8", 30),
}


def rgb(text):
    return tuple(int(text[i : i + 2], 16) for i in (1, 3, 5))


def backdrop(scene):
    top, horizon, hills, roofs, ground, _, disc, _ = (rgb(c) if isinstance(c, str) else c for c in SCENES[scene])
    ramp = np.linspace(0, 1, HEIGHT)[:, None, None] ** 1.3
    sky = (1 - ramp) * np.array(top) + ramp * np.array(horizon)
    image = Image.fromarray(np.broadcast_to(sky, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((620, 60, 700, 140), fill=disc)
    for shift, lift, shade in ((0.0, 250, 1.0), (2.1, 290, 0.8)):
        line = [(x, lift + 34 * math.sin(x / 130 + shift) + 16 * math.sin(x / 47 + shift)) for x in range(0, WIDTH + 8, 8)]
        draw.polygon([(0, HEIGHT), *line, (WIDTH, HEIGHT)], fill=tuple(int(c * shade) for c in hills))
    for left, width, top_y in ((-60, 330, 300), (300, 250, 320), (590, 340, 296)):
        roof(draw, left, width, top_y, roofs)
    draw.polygon([(0, 400), (WIDTH, 388), (WIDTH, HEIGHT), (0, HEIGHT)], fill=ground)
    return image


def roof(draw, left, width, top, colour):
    """A tiled roof whose eaves turn up, on posts."""
    eaves = [(left + width * t, top + 34 + 18 * math.sin(math.pi * t) - 22 * abs(2 * t - 1) ** 3) for t in np.linspace(0, 1, 24)]
    ridge = [(left + width * (0.18 + 0.64 * t), top - 14 + 9 * math.sin(math.pi * t)) for t in np.linspace(1, 0, 16)]
    draw.polygon(eaves + ridge, fill=colour)
    for t in (0.14, 0.38, 0.62, 0.86):
        draw.rectangle((left + width * t, top + 40, left + width * t + 9, 408), fill=colour)
    draw.rectangle((left + width * 0.1, top + 46, left + width * 0.9, top + 54), fill=colour)


def lanterns(phase):
    for index in range(9):
        x = 50 + index * 94
        sag = 40 * math.sin(math.pi * (index % 4.5) / 4.5)
        swing = 9 * math.sin(2 * math.pi * (2 * phase + index / 9))
        yield x + swing, 150 + sag + 3 * math.cos(2 * math.pi * (3 * phase + index / 5)), 0.75 + 0.25 * math.sin(2 * math.pi * (5 * phase + index / 3))


def people(draw, phase, colour):
    for index in range(11):
        x = 40 + index * 78 + 8 * math.sin(2 * math.pi * (phase + index / 7))
        hop = abs(math.sin(2 * math.pi * (6 * phase + index / 4))) * (10 if index % 3 == 0 else 4)
        y, size = 432 + 9 * (index % 3) - hop, 12 + 2 * (index % 2)
        draw.ellipse((x - size / 2, y - 52, x + size / 2, y - 52 + size), fill=colour)
        draw.polygon([(x - 6, y - 38), (x + 6, y - 38), (x + 15, y + 6), (x - 15, y + 6)], fill=colour)
        lift = 16 * math.sin(2 * math.pi * (3 * phase + index / 5))
        for side in (-1, 1):
            draw.line((x + side * 5, y - 35, x + side * 22, y - 30 - side * lift), fill=colour, width=4)


def frame(base, scene, number):
    phase = number / FRAMES
    _, _, _, roofs, _, lantern, _, stars = (rgb(c) if isinstance(c, str) else c for c in SCENES[scene])
    image = base.copy()
    draw = ImageDraw.Draw(image)
    places = np.random.default_rng(7)
    for _ in range(stars):
        x, y, own = places.uniform(0, WIDTH), places.uniform(0, 220), places.integers(1, 5)
        glow = int(140 + 110 * math.sin(2 * math.pi * (own * phase + x / 97)))
        draw.point((x, y), fill=(glow, glow, min(255, glow + 20)))
    draw.line([(x, y - 16) for x, y, _ in lanterns(phase)], fill=roofs, width=2)
    people(draw, phase, tuple(int(c * 0.6) for c in roofs))
    light = Image.new("RGB", (WIDTH // 4, HEIGHT // 4))
    glow = ImageDraw.Draw(light)
    for x, y, power in lanterns(phase):
        for radius, share in ((16, 0.25), (9, 0.45)):
            colour = tuple(int(c * share * power) for c in lantern)
            glow.ellipse((x / 4 - radius, y / 4 - radius, x / 4 + radius, y / 4 + radius), fill=colour)
    light = light.filter(ImageFilter.GaussianBlur(5)).resize((WIDTH, HEIGHT), Image.BILINEAR)
    pixels = np.clip(np.asarray(image, np.int16) + np.asarray(light, np.int16), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for x, y, power in lanterns(phase):
        body = tuple(int(c * (0.7 + 0.3 * power)) for c in lantern)
        draw.ellipse((x - 15, y - 14, x + 15, y + 16), fill=body)
        draw.rectangle((x - 7, y - 18, x + 7, y - 13), fill=roofs)
        draw.rectangle((x - 7, y + 14, x + 7, y + 19), fill=roofs)
        draw.line((x, y + 19, x, y + 32), fill=body, width=2)
    return image.tobytes()


def music(path, scene):
    """Plucked notes of a pentatonic scale over a drum, twelve seconds, the tail folded onto the start."""
    root = {"night": 196.0, "dawn": 261.6, "dusk": 220.0}[scene]
    scale = [0, 2, 4, 7, 9, 12, 14]
    choose = np.random.default_rng(len(scene) * 31)
    sound = np.zeros(RATE * (SECONDS + 2))
    for beat in range(SECONDS * 2):
        if choose.random() < 0.8:
            pitch = root * 2 ** (scale[choose.integers(0, len(scale))] / 12)
            time = np.arange(int(RATE * 1.4)) / RATE
            tone = sum(np.sin(2 * math.pi * pitch * h * time) / h**1.6 for h in (1, 2, 3, 4)) * np.exp(-3.2 * time)
            start = int(beat * RATE / 2)
            sound[start : start + tone.size] += 0.22 * tone
        if beat % 2 == 0:
            time = np.arange(int(RATE * 0.3)) / RATE
            drum = np.sin(2 * math.pi * (70 - 60 * time) * time) * np.exp(-14 * time)
            sound[int(beat * RATE / 2) :][: drum.size] += 0.3 * drum
    loop = sound[: RATE * SECONDS].copy()
    loop[: RATE * 2] += sound[RATE * SECONDS :]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes((np.clip(loop, -1, 1) * 30_000).astype("<i2").tobytes())


def main():
    folder = pathlib.Path(__file__).parent
    for scene in SCENES:
        base = backdrop(scene)
        with tempfile.TemporaryDirectory() as temporary:
            sound = pathlib.Path(temporary) / "sound.wav"
            music(sound, scene)
            encode = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}"]
            encode += ["-r", str(FPS), "-i", "-", "-i", str(sound), "-c:v", "libx264", "-preset", "veryslow", "-crf", "27"]
            encode += ["-bf", "2", "-g", str(2 * FPS), "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k"]
            encode += ["-t", str(SECONDS), "-f", "flv", str(folder / f"{scene}.flv")]
            encoder = subprocess.Popen(encode, stdin=subprocess.PIPE)
            for number in range(FRAMES):
                encoder.stdin.write(frame(base, scene, number))
            encoder.stdin.close()
            if encoder.wait() != 0:
                raise SystemExit(f"ffmpeg could not encode {scene}")


if __name__ == "__main__":
    main()

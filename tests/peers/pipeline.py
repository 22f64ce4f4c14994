"""The whole frame path as one would write it in Python: OpenCV and ONNX Runtime.

    python pipeline.py BUNDLE/NETWORK.onnx [--bare] <CLIP.mjpeg

Per frame: decode to grey, take text and marks out, find the sector, black out the rest, normalize
grey levels, resize, infer, judge. The steps are the appliance's, each in the cheapest form that
OpenCV has; text is connected thin strokes with sharp edges, without a memory for what stands still.
--bare takes every thin stroke for text, which is cheaper and flattens the pleural line. One thread.
Prints one JSON object.
"""

import json
import math
import pathlib
import sys
import time
import tomllib

import cv2
import numpy as np
import onnxruntime

RATE = 25
GRID = 160


def pictures(stream):
    """JPEG pictures, one after the other."""
    data, start = bytearray(), 0
    while block := stream.read(1 << 16):
        start = max(0, len(data) - 3)
        data += block
        while (end := data.find(b"\xff\xd9\xff\xd8", start)) >= 0:
            yield np.frombuffer(bytes(data[: end + 2]), np.uint8)
            del data[: end + 2]
            start = 0
    if data:
        yield np.frombuffer(bytes(data), np.uint8)


class Path:
    def __init__(self, network, bare=False):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            network, options, providers=["CPUExecutionProvider"]
        )
        bundle = tomllib.loads(pathlib.Path(network).with_name("bundle.toml").read_text())
        self.rules = bundle["decision"] | bundle["calibration"]
        self.input = self.session.get_inputs()[0]
        self.outputs = [self.session.get_outputs()[0].name]
        self.grid, self.frame, self.scores, self.verdict, self.bare = None, 0, [], "", bare

    def text_out(self, grey):
        """Fills thin bright strokes with sharp edges with what an opening leaves there."""
        reach = min(3 + max(grey.shape) // 250, 8)
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * reach + 1, 2 * reach + 1))
        opened = cv2.morphologyEx(grey, cv2.MORPH_OPEN, kernel)
        thin = cv2.threshold(cv2.subtract(grey, opened), 43, 255, cv2.THRESH_BINARY)[1]
        bright = cv2.threshold(grey, 79, 255, cv2.THRESH_BINARY)[1]
        strokes = cv2.bitwise_and(thin, bright)
        if self.bare:
            cv2.copyTo(opened, strokes, grey)
            return
        count, labels = cv2.connectedComponents(strokes, connectivity=8, ltype=cv2.CV_16U)
        steps = cv2.absdiff(grey[:, 1:], grey[:, :-1])
        sharp = np.zeros_like(strokes)
        cv2.threshold(steps, 43, 255, cv2.THRESH_BINARY, dst=sharp[:, 1:])
        cv2.bitwise_and(sharp, strokes, dst=sharp)
        size, hits = (
            cv2.calcHist([labels], [0], mask, [count], [0, count]).ravel()
            for mask in (strokes, sharp)
        )
        drawn = np.zeros(1 << 16, np.uint8)
        drawn[1:count] = 6 * hits[1:] >= size[1:]
        mask = cv2.dilate(cv2.LUT(labels, drawn), None)
        cv2.copyTo(opened, mask, grey)

    def sector(self, grey):
        """Hull of the largest group of cells lit in the last three seconds, in pixels."""
        scale = -(-max(grey.shape) // GRID)
        size = (-(-grey.shape[1] // scale), -(-grey.shape[0] // scale))
        cells = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        if self.grid is None:
            self.lit_until = np.zeros(cells.shape, np.int32)
        self.change = None if self.grid is None else cv2.norm(cells, self.grid, cv2.NORM_L1)
        self.grid = cells
        self.lit_until[cv2.blur(cells, (3, 3)) >= 8] = self.frame + 3 * RATE
        lit = (self.lit_until > self.frame).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(lit, connectivity=8)
        if count < 2:
            return None
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        if stats[largest, cv2.CC_STAT_AREA] < 0.04 * cells.size:
            return None
        outlines, _ = cv2.findContours(
            (labels == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        return cv2.convexHull(max(outlines, key=len)) * scale + scale // 2

    def normalized(self, grey, mask):
        """Puts the median and the 98th percentile of the sector where training had them."""
        levels = cv2.calcHist([grey], [0], mask, [256], [0, 256]).ravel().cumsum()
        bright = max(8, int(np.searchsorted(levels, 0.98 * levels[-1])))
        median = min(max(1, int(np.searchsorted(levels, 0.5 * levels[-1]))), 0.9 * bright)
        exponent = min(max(math.log(45 / 170) / math.log(median / bright), 0.5), 2)
        curve = np.minimum(170 * (np.arange(256) / bright) ** exponent, 255).astype(np.uint8)
        return cv2.LUT(grey, curve)

    def run(self, jpeg):
        grey = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
        self.text_out(grey)
        hull = self.sector(grey)
        height, width = self.input.shape[2:]
        tensor = np.zeros((height, width), np.uint8)
        if hull is not None:
            x, y, w, h = cv2.boundingRect(hull)
            box = grey[y : y + h, x : x + w]
            mask = np.zeros(box.shape, np.uint8)
            cv2.fillConvexPoly(mask, hull - (x, y), 255)
            box = self.normalized(cv2.bitwise_and(box, mask), mask)
            tensor = cv2.resize(box, (width, height), interpolation=cv2.INTER_AREA)
        (score,) = self.session.run(self.outputs, {self.input.name: tensor[None, None]})
        self.judge(float(score[0, 0]), hull is not None)
        self.frame += 1

    def judge(self, score, usable):
        """A running mean of the log-odds; no verdict before enough usable picture."""
        moves = self.change is None or self.change >= 0.01 * self.grid.size
        levels = cv2.calcHist([self.grid], [0], None, [256], [0, 256]).ravel().cumsum()
        low, high = np.searchsorted(levels, (0.02 * levels[-1], 0.98 * levels[-1]))
        if usable and moves and high - low >= 20:
            self.scores.append(score)
        mean = sum(self.scores) / max(1, len(self.scores))
        rules = self.rules
        log_odds = rules["slope"] * mean + rules["intercept"]
        self.probability = 1 / (1 + math.exp(-log_odds))
        self.verdict = "ungradable"
        if len(self.scores) >= rules["min_evidence_s"] * RATE:
            if self.probability >= rules["refer"]:
                self.verdict = "refer"
            elif self.probability <= rules["clear"]:
                self.verdict = "clear"


def main():
    cv2.setNumThreads(1)
    path, times = Path(sys.argv[1], "--bare" in sys.argv), []
    for jpeg in pictures(sys.stdin.buffer):
        start = time.perf_counter_ns()
        path.run(jpeg)
        times.append((time.perf_counter_ns() - start) / 1e3)
    report = {"verdict": path.verdict, "score": path.probability, "frames": path.frame}
    print(json.dumps(report | {"median_us": sorted(times)[len(times) // 2]}))


if __name__ == "__main__":
    main()

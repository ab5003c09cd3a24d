"""What `ocs export --torch` writes answers in PyTorch what was recorded, to 1e-6: every kind of network, with every option.

Usage: test_torch.py PROGRAM [TEST ...]; PyTorch is that of this Python, or is brought into the cache by pip.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = pathlib.Path("target/release/ocs").resolve()
PACKAGES = None

GLYPHS = "inputs: glyphs, samples: {train: 96, test: 60}, branching: [2, 2], classes: [3, 1, 4, 5]"
# Network, and what else is said: of training, of the task.
RUNS = {
    "vgg": ("kind: cnn, hidden: [4, 6], convolutions: [1, 2], bias: all, normalisation: batch, dropout: 0.3", "", ""),
    "residual": ("kind: cnn, hidden: [4, 4, 6], convolutions: [1, 2, 4], stride: [1, 1, 2], residual: true, pooling: none,"
                 " global_average: true, normalisation: {group: {groups: 2, affine: scale}}, bias: none, layer_scales:"
                 " [1, 1, 1, 1, 1, 1, 1, 1, 0.5]", "", ""),
    "strided": ("kind: cnn, hidden: [4, 5], kernel_size: 5, stride: [2, 1], pooling: [none, average], activation: tanh,"
                " normalisation: {layer: {affine: none}}, bias: input", ", loss: softmax-cross-entropy", ""),
    "evaluated": ("kind: cnn, hidden: [4, 6], activation: leaky-relu, negative_slope: 0.2, bias: output,"
                  " normalisation: {batch: {affine: scale, evaluation: batch}}", ", loss: binary-cross-entropy", ""),
    "projected": ("kind: cnn, hidden: [4, 6], residual: true, pooling: [max, none], normalisation: layer", "",
                  ", preprocessing: channel-standardised"),
    "zca": ("kind: cnn, hidden: [4]", "", ", preprocessing: zca-whitened, input_scale: inverse-sqrt-inputs"),
    "pca": ("kind: mlp, hidden: [6], bias: all", "", ", preprocessing: pca-whitened, whitening: {ridge: 0}, projection: {components: 20}"),
    "few": ("kind: cnn, hidden: [4]", "", ", preprocessing: channel-standardised, projection: {components: 7}, labels: random"),
    "plain": ("kind: cnn, hidden: [6]", "", ", preprocessing: pixel-centred, input_scale: inverse-sqrt-inputs"),
    "mlp-batch": ("kind: mlp, hidden: [8, 4], normalisation: batch, dropout: 0.25, bias: all",
                  ", loss: binary-cross-entropy, label_smoothing: 0.1", ""),
    "mlp-layer": ("kind: mlp, hidden: [8, 4], normalisation: {layer: {affine: scale}}, activation: tanh",
                  ", loss: softmax-cross-entropy", ""),
    "mlp-evaluated": ("kind: mlp, hidden: [8], normalisation: {batch: {affine: none, evaluation: batch}}", "", ""),
    "linear": ("kind: linear, hidden: [8, 6], bias: all, initialisation: {kaiming: {gain: 0.5}}", "", ""),
    "shallow": ("kind: linear, hidden: [], bias: output, initialisation: {normal: {std: 0.01}}", "", ""),
}
# In float32, in stacks, on the full batch, on vectors, in phases.
OTHERS = {
    "stacked": "task: {%s}\nnetwork: {kind: linear, hidden: [8, 6], bias: input, initialisation: {normal: {std: 0.1}}}\n"
               "training: {steps: 50, batch_size: full, learning_rate: 0.05, observations: 6}\nseeds: [0, 1, 2]\n"
               "conditions: {a: {}, b: {training.learning_rate: 0.02}}\n" % GLYPHS,
    "vectors": "training: {steps: 200, learning_rate: 0.1, observations: 10}\ntask: {frequencies: [1, 2, 1, 2, 1, 2, 1, 2]}\n"
               "phases: [{}, {task.permutation: [1, 0, 2, 3, 4, 5, 6, 7]}]\nseeds: [0]\n",
    "held-out": "task: {inputs: gaussian, gaussian: {dimension: 6, count: 12, held_out: 5, mirrored: false}, targets: {linear: {noise: 0}}}\n"
                "network: {kind: mlp, hidden: [7], activation: erf, parametrisation: ntk, bias: all, initialisation: {normal: {std: 1}}}\n"
                "training: {steps: 20, learning_rate: 0.01, observations: 5}\nrecord: {responses: each-sample}\nseeds: [0]\n",
    "single": "task: {%s}\nnetwork: {kind: cnn, hidden: [6, 6], normalisation: batch, residual: true}\nprobes: [responses]\n"
              "training: {steps: 20, batch_size: 32, learning_rate: 0.001, observations: 6}\nseeds: [0]\n" % GLYPHS,
}


def run(folder, *arguments, **others):
    done = subprocess.run([str(argument) for argument in arguments], cwd=str(folder), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, **others)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def read(folder):
    """The arrays of a folder's data."""
    from safetensors.numpy import load_file
    return load_file(folder / "data.safetensors")


def check(folder):
    """How far PyTorch is from what was recorded, by name."""
    path = os.pathsep.join(filter(None, [PACKAGES, os.environ.get("PYTHONPATH")]))
    told = run(folder, sys.executable, "-B", "check.py", env=dict(os.environ, PYTHONPATH=path))
    return {name: float(off) for name, off in re.findall(r"(\w+): at most (\S+) from", told)}


class Networks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.kept.name)

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def exported(self, name, text):
        (self.folder / (name + ".yaml")).write_text(text)
        run(self.folder, PROGRAM, "--quiet", "train", name + ".yaml")
        run(self.folder, PROGRAM, "--quiet", "export", "runs/" + name, "--torch", "out/" + name)
        return sorted(path.parent for path in (self.folder / "out" / name).rglob("check.py"))

    def test_every_kind_of_network_with_every_option_answers_what_was_recorded(self):
        for name, (network, training, task) in RUNS.items():
            with self.subTest(name):
                [folder] = self.exported(
                    name, "task: {%s%s}\nnetwork: {%s}\ntraining: {steps: 20, batch_size: 32, learning_rate: 0.001, observations: 6,"
                          " precision: float64%s}\nprobes: [responses]\nseeds: [3]\n" % (GLYPHS, task, network, training))
                # A network whose units are all dead would answer the same whatever its layers were.
                self.assertGreater(read(folder)["recorded.responses"].std(0).max(), 1e-4)
                off = check(folder)
                self.assertEqual(set(off), {"mean_response", "item_responses", "responses"})
                self.assertLess(max(off.values()), 1e-9, off)

    def test_so_do_runs_in_stacks_in_phases_and_in_single_precision(self):
        for name, text in OTHERS.items():
            with self.subTest(name):
                folders = self.exported(name, text)
                self.assertEqual(len(folders), 6 if name == "stacked" else 1)
                for folder in folders:
                    self.assertLess(max(check(folder).values()), 1e-6)

    def test_a_check_sees_a_weight_that_was_changed(self):
        [folder] = self.exported("changed", OTHERS["single"])
        path = folder / "weights.safetensors"
        kept = bytearray(path.read_bytes())
        header = json.loads(kept[8:8 + int.from_bytes(kept[:8], "little")])
        begin = 8 + int.from_bytes(kept[:8], "little") + header["layer1.weight"]["data_offsets"][0]
        kept[begin + 3] ^= 0x01
        path.write_bytes(kept)
        with self.assertRaises(AssertionError) as refused:
            check(folder)
        self.assertIn("is not what was recorded", str(refused.exception))


def packages():
    """Where PyTorch is to be found besides this Python's own packages."""
    try:
        import safetensors  # noqa: F401
        import torch  # noqa: F401
        return None
    except ImportError:
        sys.path.insert(0, str(HERE.parent.parent / "set_up"))
        import python_packages
        brought = str(python_packages.bring(HERE / "torch.txt"))
        sys.path.insert(0, brought)
        return brought


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    os.environ.pop("OCS_DATA", None)
    PACKAGES = packages()
    unittest.main(verbosity=2)

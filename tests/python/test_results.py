"""What `ocs export` and `--tensorboard` write is what records hold, as pandas, NumPy and TensorBoard themselves read it.

Usage: test_results.py PROGRAM [TEST ...]; set-up's packages are brought by this file itself.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "set_up"))

import python_packages  # noqa: E402

sys.path.insert(0, str(python_packages.bring(HERE / "requirements.txt")))

import jsonschema  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from ruamel.yaml import YAML  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

PROGRAM = pathlib.Path("target/release/ocs").resolve()

GRID = """
training: {steps: 300, learning_rate: 0.02, observations: 20}
network: {initialisation: {normal: {std: 0.1}}}
conditions: {none: {network.bias: none}, "all": {network.bias: all}}
grid: {training.learning_rate: [0.01, 0.1], network.hidden: [[16], [8, 4]]}
seeds: [0, 1]
"""
GLYPHS = """
task: {inputs: glyphs, samples: {train: 160, test: 80}, branching: [2, 2], classes: [3, 1, 4, 5]}
network: {kind: mlp, hidden: [16], initialisation: {kaiming: {gain: 0.5}}}
training: {steps: 60, batch_size: full, learning_rate: 0.05, observations: 12}
kernel: {samples: 16, times: 3}
probes: [layer-spectra]
record: {responses: each-sample}
seeds: [3]
"""
NORMALISED = """
task: {inputs: glyphs, samples: {train: 160, test: 80}, branching: [2, 2]}
network: {kind: mlp, hidden: [8, 4], normalisation: batch, dropout: 0.25, initialisation: {kaiming: {gain: 0.5}}}
training: {steps: 30, batch_size: full, learning_rate: 0.05, observations: 6}
seeds: [3]
"""
PHASES = """
training: {steps: 200, learning_rate: 0.1, observations: 10}
phases: [{}, {task.permutation: [1, 0, 2, 3, 4, 5, 6, 7]}]
seeds: [0]
"""
# As docs/results.md has it.
WORDS = dict.fromkeys(["run", "condition", "label_name", "item_name", "place"], str)
RUNS = ["runs/grid", "runs/glyphs", "runs/normalised", "runs/phases"]
SCALARS = ["loss", "mean_output_error", "input_dependence", "distance_to_ocs", "distance_to_targets"]
RATES = ["true_negative_rate", "true_positive_rate", "thresholded_true_negative_rate",
         "thresholded_true_positive_rate", "level_accuracy"]


def run(folder, *arguments, **others):
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], cwd=str(folder), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, **others)
    assert done.returncode == 0, done.stderr
    return done.stdout


def records(folder):
    paths = sorted(folder.glob("*/*.json"))
    return [json.loads(path.read_text()) for path in paths if path.stem.isdigit()]


def numbers_of(record):
    """Every number of a record as the table must have it: a map from what it is to its value."""
    found = {}
    curves = {"evaluation": record["curves"], "training": record["training_curves"]}
    for which, of_set in curves.items():
        if of_set is None:
            continue
        for moment, step in enumerate(of_set["step"]):
            def add(metric, value, **where):
                found[(which, metric, step, *(where.get(key, -1) for key in ("level", "label", "item", "layer")), "")] = value
            levels = [level for level, n in enumerate(record["levels"], 1) for _ in range(n)]
            for metric in SCALARS:
                add(metric, of_set[metric][moment])
            for metric in RATES:
                for level, row in enumerate(of_set[metric], 1):
                    add(metric, row[moment], level=level)
            for label, row in enumerate(of_set["mean_response"]):
                add("mean_response", row[moment], level=levels[label], label=label)
            for item, table in enumerate(of_set["item_responses"] or []):
                for label, row in enumerate(table):
                    add("item_response", row[moment], level=levels[label], label=label, item=item)
            for split, row in enumerate(of_set["mode_strengths"] or []):
                add("mode_strength", row[moment], level=split)
            for metric in ("weight_norm", "bias_norm"):
                for layer, row in enumerate(of_set[metric + "s"], 1):
                    add(metric, row[moment], layer=layer)
    kernel = record.get("kernel")
    if kernel:
        for moment, step in enumerate(kernel["step"]):
            for metric in ("largest", "trace", "ones_alignment", "ratio", "drift", "cosine"):
                found[("training", "kernel_" + metric, step, -1, -1, -1, -1, "")] = kernel[metric][moment]
        for moment, step in enumerate(record["curves"]["step"] if kernel["lazy"] else []):
            for metric in ("mean_output_error", "input_dependence"):
                found[("training", "lazy_" + metric, step, -1, -1, -1, -1, "")] = kernel["lazy"][metric][moment]
    for name, series in record.get("series", {}).items():
        values = np.array(series["values"], dtype=float).reshape([len(series["step"]), *series["shape"]])
        for moment, step in enumerate(series["step"]):
            for index in np.ndindex(*series["shape"]):
                where = dict(zip(series["dims"], index))
                layer = where.pop("layer", -2) + 1
                place = ",".join("%s=%d" % pair for pair in where.items())
                found[("", name, step, -1, -1, -1, layer, place)] = values[(moment, *index)]
    return found


def rows_of(frame):
    """Rows that have a step, in the form of `numbers_of`."""
    frame = frame[frame["step"].notna()]
    whole = [frame[name].fillna(-1).astype(int) for name in ("step", "level", "label", "item", "layer")]
    keys = zip(frame["set"].fillna(""), frame["metric"], *whole, frame["place"].fillna(""))
    rows = list(zip(keys, frame["value"]))
    found = dict(rows)
    assert len(found) == len(rows), "two rows are of one number"
    return found


def is_same(one, other):
    """To the last bit; what is undefined is `None` here and NaN there."""
    return one == other or (one is None or one != one) and (other is None or other != other)


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.kept.name)
        for name, text in (("grid", GRID), ("glyphs", GLYPHS), ("normalised", NORMALISED), ("phases", PHASES)):
            (cls.folder / (name + ".yaml")).write_text(text)
        run(cls.folder, "sweep", "grid.yaml", "--tensorboard", "board")
        run(cls.folder, "train", "glyphs.yaml", "--tensorboard", "board")
        run(cls.folder, "train", "normalised.yaml")
        run(cls.folder, "train", "phases.yaml")
        for form in ("csv", "json", "npz"):
            run(cls.folder, "export", *RUNS, "--format", form, "--out", "all." + form)
        # pandas 3 needs no telling, and says so.
        warnings.simplefilter("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*float_precision.*")
        cls.csv = pd.read_csv(cls.folder / "all.csv", dtype=WORDS, keep_default_na=False, na_values=[""],
                              float_precision="round_trip", low_memory=False)

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def test_pandas_reads_every_number_of_every_record_from_csv_to_the_last_bit(self):
        n = 0
        for name in ("grid", "glyphs", "normalised", "phases"):
            of_run = self.csv[self.csv["run"] == name]
            for record in records(self.folder / "runs" / name):
                rows = of_run[of_run["seed"] == record["seed"]]
                condition = record["condition"]
                if "cell" in record:
                    condition = record["cell"]["condition"]
                    for key, value in record["cell"]["values"].items():
                        value = "-".join(map(str, value)) if isinstance(value, list) else value
                        rows = rows[rows[key] == value]
                rows = rows[rows["condition"] == condition]
                expected, found = numbers_of(record), rows_of(rows)
                self.assertEqual(set(expected), set(found))
                for what, value in expected.items():
                    self.assertTrue(is_same(value, found[what]), (what, value, found[what]))
                n += len(expected)
                phases = rows[(rows["metric"] == "onset") & (rows["set"] == "evaluation") & (rows["stretch"] == 1)]
                self.assertEqual(len(phases), 3)
                own = phases[phases["threshold"] == record["config"]["phase_threshold"]]
                self.assertTrue(is_same(record["phase"]["onset"], own["value"].item()))
        self.assertGreater(n, 20_000)

    def test_the_number_of_lines_is_that_of_numbers_and_no_column_is_without_its_meaning(self):
        self.assertEqual(list(self.csv.columns[:4]), ["run", "condition", "training.learning_rate", "network.hidden"])
        page = (HERE.parent.parent / "docs" / "results.md").read_text()
        for column in self.csv.columns.drop(["training.learning_rate", "network.hidden"]):
            self.assertIn("`%s`" % column, page)
        for metric in self.csv["metric"].unique():
            self.assertIn("`%s`" % metric, page, "docs/results.md lacks a metric")
        # Heading aside, and wherever an editor would see a line.
        self.assertEqual(len((self.folder / "all.csv").read_text().splitlines()) - 1, len(self.csv))

    def test_pandas_reads_the_same_from_lines_of_json(self):
        read = pd.read_json(self.folder / "all.json", lines=True, dtype=WORDS, precise_float=True)
        self.assertEqual(list(read.columns), list(self.csv.columns))
        self.assertEqual(len(read), len(self.csv))
        for column in read.columns:
            for one, other in zip(read[column], self.csv[column]):
                self.assertTrue(is_same(one, other), (column, one, other))

    def test_numpy_reads_the_same_from_an_archive_without_pickle(self):
        with np.load(self.folder / "all.npz", allow_pickle=False) as arrays:
            arrays = {name: arrays[name] for name in arrays.files}
        for column in self.csv.columns:
            values = arrays[column]
            self.assertEqual(len(values), len(self.csv))
            if column + "_names" in arrays:
                names = list(arrays[column + "_names"]) + [None]
                values = [names[value] for value in values]
            elif values.dtype == np.int64:
                values = [None if value == -1 else value for value in values]
            for one, other in zip(values, self.csv[column]):
                if isinstance(one, str) and not isinstance(other, str):
                    # Words that are all numbers, as `16` beside `8-4` is not, would be numbers to pandas.
                    other = str(other)
                self.assertTrue(is_same(one, other), (column, one, other))

    def test_classes_and_labels_have_their_names_in_each_stretch(self):
        glyphs = self.csv[(self.csv["run"] == "glyphs") & (self.csv["metric"] == "item_response")]
        names = glyphs.groupby("item")["item_name"].unique()
        self.assertEqual([list(of_item) for of_item in names], [["class 3"], ["class 1"], ["class 4"], ["class 5"]])
        labels = glyphs.groupby("label")["label_name"].unique()
        self.assertEqual([list(of_label) for of_label in labels],
                         [["1"], ["2"], ["class 3"], ["class 1"], ["class 4"], ["class 5"]])
        phases = self.csv[(self.csv["run"] == "phases") & (self.csv["metric"] == "item_response") & (self.csv["item"] == 0)]
        of_stretch = phases.groupby("stretch")["item_name"].unique()
        self.assertEqual([list(names) for names in of_stretch], [["1.1.1"], ["1.1.2"]])

    def test_nothing_is_replaced_unasked_and_the_same_bytes_come_again(self):
        before = (self.folder / "all.csv").read_bytes()
        refused = subprocess.run([str(PROGRAM), "export", "runs/grid", "--format", "csv", "--out", "all.csv"],
                                 cwd=str(self.folder), stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--overwrite", refused.stderr)
        self.assertEqual((self.folder / "all.csv").read_bytes(), before)
        for form in ("csv", "json", "npz"):
            again = ("export", *RUNS, "--format", form, "--out", "again." + form)
            run(self.folder, *again)
            run(self.folder, *again, "--overwrite")
            self.assertEqual((self.folder / ("again." + form)).read_bytes(), (self.folder / ("all." + form)).read_bytes())
        text = run(self.folder, "export", *RUNS, "--format", "csv")
        self.assertEqual(text.encode(), before)
        left = [path.name for path in self.folder.iterdir() if path.name.startswith(".")]
        self.assertEqual(left, [])

    def test_numpy_reads_responses_to_each_sample_whose_means_are_those_recorded(self):
        [record] = records(self.folder / "runs" / "glyphs")
        with np.load(self.folder / "runs" / "glyphs" / "default" / "3.responses.npz", allow_pickle=False) as arrays:
            arrays = {name: arrays[name] for name in arrays.files}
        responses, curves = arrays["responses"], record["curves"]
        self.assertEqual(responses.dtype, np.float32)
        self.assertEqual(list(arrays["dims"]), ["time"] + record["arrays"]["responses"]["dims"])
        self.assertEqual(list(responses.shape[1:]), record["arrays"]["responses"]["shape"])
        self.assertEqual((list(arrays["step"]), list(arrays["time"])), (curves["step"], curves["time"]))
        means = np.array(curves["item_responses"])
        for item in range(4):
            of_item = responses[:, arrays["item"] == item].astype(float).mean(1)
            np.testing.assert_allclose(of_item, means[item].T, atol=1e-12)
        self.assertEqual(len(set(arrays["index"])), 80)

    def events_are_those_of(self, board, record):
        """TensorBoard's own reader finds every moment of a record once."""
        path = board / record["condition"] / str(record["seed"])
        events = EventAccumulator(str(path), size_guidance={"scalars": 0}, purge_orphaned_data=False)
        events.Reload()
        tags = events.Tags()["scalars"]
        curves = record["curves"]
        self.assertIn("mean_output_error/evaluation", tags)
        n = 0
        for metric in SCALARS:
            tag = metric + "/evaluation"
            self.assertEqual([event.step for event in events.Scalars(tag)], curves["step"])
            values = [event.value for event in events.Scalars(tag)]
            self.assertEqual(values, [float(np.float32(value)) for value in curves[metric]], tag)
            n += 1
        for level, row in enumerate(curves["true_negative_rate"], 1):
            seen = [event.value for event in events.Scalars("true_negative_rate/evaluation/level_%d" % level)]
            self.assertEqual(seen, [float(np.float32(value)) for value in row])
            n += 1
        if record["training_curves"]:
            seen = [event.value for event in events.Scalars("loss/training")]
            self.assertEqual(seen, [float(np.float32(value)) for value in record["training_curves"]["loss"]])
            n += 1
        self.assertFalse([tag for tag in tags if tag.startswith("item_response")])
        return n

    def test_tensorboard_reads_every_moment_of_every_run_once(self):
        for name in ("grid", "glyphs"):
            for record in records(self.folder / "runs" / name):
                self.assertGreater(self.events_are_those_of(self.folder / "board" / name, record), 6)

    def test_event_files_of_runs_that_were_killed_and_go_on_lose_and_double_nothing(self):
        with tempfile.TemporaryDirectory() as kept:
            folder = pathlib.Path(kept)
            (folder / "long.yaml").write_text(
                "task: {inputs: glyphs, samples: {train: 160, test: 80}}\n"
                "network: {kind: mlp, hidden: [64, 64], initialisation: {kaiming: {gain: 0.5}}}\n"
                "training: {steps: 20000, batch_size: 16, learning_rate: 0.01, observations: 60}\nseeds: [0, 1]\n")
            command = [str(PROGRAM), "train", "long.yaml", "--tensorboard", "board", "--resume", "--checkpoint-every", "0.1",
                       "--jobs", "1"]
            for number in (signal.SIGKILL, signal.SIGINT):
                begun = subprocess.Popen(command, cwd=str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                limit = time.time() + 60
                while not list(folder.glob("runs/long/.unfinished/*")) and time.time() < limit:
                    time.sleep(0.01)
                time.sleep(0.3)
                begun.send_signal(number)
                self.assertNotEqual(begun.wait(), 0, "it was to be disturbed")
            run(folder, *command[1:])
            for record in records(folder / "runs" / "long"):
                self.assertEqual(record["status"], "complete")
                self.events_are_those_of(folder / "board" / "long", record)
            # Complete runs have theirs written again, where they are gone.
            for path in folder.glob("board/long/*/*/*"):
                path.unlink()
            run(folder, *command[1:])
            for record in records(folder / "runs" / "long"):
                self.events_are_those_of(folder / "board" / "long", record)
            # Files of other runs are not replaced unasked.
            refused = subprocess.run([str(PROGRAM), "train", "long.yaml", "--out", "other", "--tensorboard", "board"],
                                     cwd=str(folder), stderr=subprocess.PIPE, universal_newlines=True)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn("--tensorboard", refused.stderr)


class People(unittest.TestCase):
    def test_pandas_reads_the_long_table_of_people_as_it_is_in_their_folder(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "pair.yaml").write_text("task: {branching: [2, 2]}\nhuman: {days: 2, blocks: 2, trials: 12}\n")
            run(folder, "human", "simulate", "pair.yaml", "--learner", "ideal", "--participants", "3", "--out", "people")
            run(folder, "human", "export", "people", "--config", "pair.yaml", "--out", "long.csv")
            trials, table = pd.read_csv(folder / "people" / "trials.csv"), pd.read_csv(folder / "long.csv")
            self.assertEqual(list(table.columns), ["participant", "excluded", "day", "block", "trial", "time", "item", "label",
                                                   "level", "base_rate", "target", "response"])
            wide = table.pivot(index=["participant", "day", "trial"], columns="label", values="response")
            own = trials.set_index(["participant", "day", "trial"])[["response_%d" % label for label in range(1, 7)]]
            np.testing.assert_array_equal(wide.to_numpy(), own.to_numpy())
            means = table.groupby("label")["target"].mean()
            rates = table.groupby("label")["base_rate"].first()
            np.testing.assert_allclose(means, rates)
            self.assertEqual(table.groupby("participant")["block"].max().tolist(), [2, 2, 2])


class Names(unittest.TestCase):
    """Paths of nodes such as 1.10 and conditions such as None are words."""

    def test_names_that_look_like_numbers_or_nothing_stay_what_they_are(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "wide.yaml").write_text("task: {branching: [2, 11]}\ntraining: {steps: 20, observations: 5, learning_rate: 0.01}\n"
                                              "conditions: {None: {}, NA: {network.bias: all}}\n")
            run(folder, "-q", "train", "wide.yaml", "--device", "cpu")
            for form, read in (("csv", lambda path: pd.read_csv(path, dtype=WORDS, keep_default_na=False, na_values=[""])),
                               ("json", lambda path: pd.read_json(path, lines=True, dtype=WORDS))):
                run(folder, "-q", "export", "runs/wide", "--format", form, "--out", "t." + form)
                table = read(folder / ("t." + form))
                labels = table[table.metric == "mean_response"]
                self.assertEqual(labels.label_name.nunique(), 24, form)
                self.assertEqual(table[table.metric == "item_response"].item_name.nunique(), 22, form)
                self.assertEqual(set(table.condition), {"None", "NA"}, form)


class Schema(unittest.TestCase):
    """An editor's view of configs."""

    def setUp(self):
        schema = json.loads(run(".", "config", "--schema"))
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    def faults(self, config):
        return [error.json_path + ": " + error.message for error in self.validator.iter_errors(config)]

    def test_every_config_is_valid_as_it_stands_and_written_out(self):
        # YAML 1.2, as the program reads it: 1e-4 is a number.
        yaml = YAML(typ="safe")
        paths = sorted((HERE.parent.parent / "configs").glob("*.yaml"))
        self.assertGreater(len(paths), 20)
        for path in paths:
            with self.subTest(config=path.name):
                self.assertEqual(self.faults(yaml.load(path)), [])
                self.assertEqual(self.faults(json.loads(run(".", "config", path, "--json"))), [])

    def test_what_the_program_refuses_by_name_or_type_is_a_fault(self):
        for wrong in ({"trainin": {}}, {"training": {"steps": "many"}}, {"network": {"bias": "some"}},
                      {"training": {"optimiser": "sgdx"}}, {"training": {"optimiser": {"sgd": {"momentun": 0.9}}}},
                      {"training": {"optimiser": {"sgd": {}, "adam": {}}}}, {"task": {"inputs": "mnits"}},
                      {"task": {"inputs": {"names": ["a"]}}}, {"network": {"stride": [1, "two"]}}, {"seeds": 3}):
            self.assertNotEqual(self.faults(wrong), [], wrong)
        for right in ({"training": {"optimiser": "adamw", "schedule": {"cosine": {"warm_up": 5}}, "batch_size": "full"}},
                      {"task": {"inputs": {"path": "x.npz"}, "tree": [[0, 1], [2, [3, 4]]], "classes": ["cat", 3], "targets": "sine"}},
                      {"network": {"stride": [1, 2], "pooling": "none"}, "conditions": {"a": {"network.bias": "all"}, "b": None}},
                      {"phases": [{}, {"label": "x", "task.permutation": [1, 0]}], "grid": {"training.learning_rate": [1, 2]}}):
            self.assertEqual(self.faults(right), [], right)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    os.environ.pop("OCS_DATA", None)
    unittest.main(verbosity=2)

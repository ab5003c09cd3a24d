"use strict";
// A trial: a picture and all words; the participant marks those that he thinks belong to it, confirms, and sees the right answer.

const MarkLabels = (() => {
  const { ParameterType } = jsPsychModule;
  const info = {
    name: "mark-labels",
    version: "1.0.0",
    parameters: {
      stimulus: { type: ParameterType.STRING },
      // In the order in which they are shown.
      words: { type: ParameterType.STRING, array: true },
      // 0 or 1 of each of them.
      answer: { type: ParameterType.INT, array: true },
      // Seconds; null waits.
      deadline: { type: ParameterType.FLOAT, default: null },
      feedback_time: { type: ParameterType.FLOAT, default: null },
      keyboard: { type: ParameterType.BOOL, default: true },
      progress: { type: ParameterType.STRING, default: "" },
      // Is given the data as soon as there is an answer: feedback may be left.
      answered: { type: ParameterType.FUNCTION },
    },
    data: {
      marked: { type: ParameterType.INT, array: true },
      missed: { type: ParameterType.BOOL },
      reaction_time: { type: ParameterType.FLOAT },
    },
  };
  const KEYS = "123456789abcdefghijklmnopqrstuvwxyz";
  const SIGNS = {
    right: ["✓", "right"],
    missing: ["+", "belongs to it"],
    wrong: ["✗", "does not"],
    none: ["", ""],
  };

  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  class Plugin {
    static info = info;

    constructor(jsPsych) {
      this.jsPsych = jsPsych;
    }

    trial(display, trial) {
      const count = trial.words.length;
      const marked = Array(count).fill(0);
      const key = index => (trial.keyboard ? KEYS[index] : undefined);
      let since = performance.now();
      let over = false;
      const buttons = trial.words.map((word, index) => {
        const parts = [element("span", { class: "word" }, word), element("span", { class: "sign" })];
        if (key(index)) parts.unshift(element("kbd", { "aria-hidden": "true" }, key(index)));
        const button = element("button", { type: "button", class: "label", "aria-pressed": "false" }, ...parts);
        if (key(index)) button.setAttribute("aria-keyshortcuts", key(index));
        button.addEventListener("click", () => toggle(index));
        return button;
      });
      const confirm = element("button", { type: "button", class: "confirm" }, trial.keyboard ? "Confirm (Enter)" : "Confirm");
      const said = element("p", { class: "said", role: "status", "aria-live": "polite" }, "\u00a0");
      const picture = element("img", { class: "stimulus", src: trial.stimulus, alt: "The picture of this trial", draggable: "false" });
      const group = element("div", { class: "labels", role: "group", "aria-label": "Words" }, ...buttons);
      display.replaceChildren(element("div", { class: "trial" },
        element("p", { class: "progress" }, trial.progress), picture,
        element("p", { class: "question" }, "Which words belong to it?"), group, said, confirm));

      const toggle = index => {
        if (over) return;
        marked[index] = 1 - marked[index];
        buttons[index].setAttribute("aria-pressed", String(marked[index] === 1));
      };
      const pressed = event => {
        if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
        if (!trial.keyboard) return;
        if (event.key === "Enter") {
          event.preventDefault();
          confirm.click();
        } else {
          const index = KEYS.indexOf(event.key.toLowerCase());
          if (event.key.length === 1 && index >= 0 && index < count) toggle(index);
        }
      };
      const list = words => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`);

      const answered = missed => {
        if (over) return;
        over = true;
        const data = {
          marked: missed ? null : marked.slice(),
          missed,
          reaction_time: missed ? null : Math.round(performance.now() - since),
        };
        this.jsPsych.pluginAPI.clearAllTimeouts();
        trial.answered(data);
        const right = trial.answer.every((belongs, index) => belongs === marked[index]);
        buttons.forEach((button, index) => {
          const was = marked[index] === 1 ? (trial.answer[index] ? "right" : "wrong") : (trial.answer[index] ? "missing" : "none");
          const [sign, words] = SIGNS[was];
          button.classList.add(was);
          button.setAttribute("aria-disabled", "true");
          button.querySelector(".sign").textContent = `${sign} ${words}`.trim();
        });
        const belonging = trial.words.filter((_, index) => trial.answer[index]);
        const verb = belonging.length === 1 ? "belongs" : "belong";
        said.textContent = `${missed ? "Too late." : right ? "Right." : "Not quite."} ${list(belonging)} ${verb} to it.`;
        const end = () => {
          document.removeEventListener("keydown", pressed);
          this.jsPsych.finishTrial(data);
        };
        if (trial.feedback_time === null) {
          confirm.textContent = trial.keyboard ? "Go on (Enter)" : "Go on";
          confirm.addEventListener("click", end, { once: true });
        } else {
          confirm.disabled = true;
          this.jsPsych.pluginAPI.setTimeout(end, trial.feedback_time * 1000);
        }
      };

      confirm.addEventListener("click", () => answered(false), { once: true });
      document.addEventListener("keydown", pressed);
      // Time runs from when the picture can be seen.
      picture.decode().catch(() => undefined).then(() => requestAnimationFrame(() => {
        since = performance.now();
        if (trial.deadline !== null) this.jsPsych.pluginAPI.setTimeout(() => answered(true), trial.deadline * 1000);
      }));
    }
  }
  return Plugin;
})();

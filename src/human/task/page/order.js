"use strict";
// Who sees what, and when: all of it follows from the experiment's seed and the participant, so that a second day, or a reload,
// goes on where the first was, without a server.

const Order = (() => {
  // Random numbers in [0, 1) from words: FNV-1a of the words, then a step of splitmix for each number.
  const numbers = (...words) => {
    let state = 0x811c9dc5;
    for (const code of new TextEncoder().encode(words.join("\n"))) state = Math.imul(state ^ code, 0x01000193);
    return () => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return ((mixed ^ (mixed >>> 16)) >>> 0) / 4294967296;
    };
  };

  const shuffled = (list, number) => {
    const result = list.slice();
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = Math.floor(number() * (last + 1));
      [result[last], result[other]] = [result[other], result[last]];
    }
    return result;
  };

  const range = n => Array.from({ length: n }, (_, index) => index);

  // Which picture stands for which item, which word for which label, and at which place each label is shown.
  const assignment = (experiment, participant) => {
    const own = (what, n) => shuffled(range(n), numbers(experiment.seed, participant, what));
    return {
      stimuli: own("stimuli", experiment.stimuli.length),
      words: own("words", experiment.words.length),
      places: own("places", experiment.words.length),
    };
  };

  // Trials of one day: block and trial count from 1, trials through all days.
  const day = (experiment, participant, number) => {
    const size = experiment.trials;
    return range(experiment.blocks).flatMap(block => {
      const blocks = (number - 1) * experiment.blocks + block;
      const items = experiment.times[blocks].flatMap((times, item) => Array(times).fill(item));
      const order = shuffled(items, numbers(experiment.seed, participant, "order", number, block + 1));
      return order.map((item, index) => ({ day: number, block: block + 1, trial: blocks * size + index + 1, item }));
    });
  };

  return { assignment, day };
})();

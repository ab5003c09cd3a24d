"use strict";
// One day of one participant. The experiment stands in experiment.js, as `ocs human task` wrote it.

(async () => {
  const experiment = window.OCS_EXPERIMENT;
  const plain = text => {
    const holder = document.createElement("div");
    holder.textContent = text;
    return holder.innerHTML;
  };
  const tell = html => {
    document.body.innerHTML = `<main class="page">${html}</main>`;
  };

  // JATOS serves jatos.js beside every study; elsewhere there is none, and none is asked for.
  const jatos = experiment.save !== "jatos" ? null : await new Promise(done => {
    const script = document.createElement("script");
    script.src = "jatos.js";
    script.onload = () => window.jatos.onLoad(() => done(window.jatos));
    script.onerror = () => done(null);
    document.head.append(script);
  });
  if (experiment.save === "jatos" && !jatos) {
    tell("<h1>This study runs in JATOS</h1><p>Its page was opened outside of it: there is no jatos.js beside it.</p>");
    return;
  }

  const address = new URLSearchParams(location.search);
  const given = name => (jatos && jatos.urlQueryParameters[name]) || address.get(name);
  const VALID = /^[A-Za-z0-9_-]{1,64}$/;
  let participant = given("participant") || given("PROLIFIC_PID") || (jatos && jatos.workerId && String(jatos.workerId)) || null;
  let day = given("day") === null ? null : Number(given("day"));

  const isDay = number => Number.isInteger(number) && number >= 1 && number <= experiment.days;
  if ((participant !== null && !VALID.test(participant)) || (day !== null && !isDay(day))) {
    tell(`<h1>This link is not complete</h1><p>It should end in <code>?participant=ID&amp;day=N</code>, the ID of at most 64 letters,
      digits, _ or -, the day a number from 1 to ${experiment.days}. Please tell the person who sent it.</p>`);
    return;
  }
  // What the link does not say is asked.
  if (participant === null || (day === null && experiment.days > 1)) {
    [participant, day] = await new Promise(done => {
      tell(`<h1>Welcome</h1><form><p><label>Your participant ID <input name="participant" required pattern="[A-Za-z0-9_\\-]{1,64}"
        title="letters, digits, _ or -" autocomplete="off" value="${plain(participant || "")}"></label></p>
        <p><label>Day <input name="day" type="number" min="1" max="${experiment.days}" value="${day || 1}" required></label></p>
        <p><button type="submit">Go on</button></p></form>`);
      document.querySelector("form").addEventListener("submit", event => {
        event.preventDefault();
        const form = new FormData(event.target);
        done([form.get("participant"), Number(form.get("day"))]);
      });
    });
    document.body.innerHTML = "";
  }
  day = day === null ? 1 : day;

  const own = [experiment, participant, day];
  if (!(await Storage.alone(...own))) {
    tell("<h1>This page is open already</h1><p>The same day goes on in another window. Please go on there, or close it and reload this one.</p>");
    return;
  }
  const kept = Storage.read(...own);
  const { stimuli, words, places } = Order.assignment(experiment, participant);
  const all = Order.day(experiment, participant, day);
  const done = kept.rows.filter(row => row.trial_type === "mark-labels").length;
  const rows = kept.rows;
  let losses = 0;

  const keep = row => {
    rows.push({ participant, day, config_hash: experiment.hash, ...row });
    Storage.write({ rows, saved: false }, ...own);
  };
  // A day that is done and was not sent is sent as it is, so that the same twice is the same.
  if (done < all.length) {
    keep({
      trial_type: rows.length === 0 ? "session" : "reload",
      at: new Date().toISOString(),
      can_continue: Storage.works(),
      ...(rows.length === 0 ? { stimuli, words: words.map(index => experiment.words[index]), places, ocs: experiment.ocs } : {}),
    });
  }

  const jsPsych = initJsPsych({
    on_interaction_data_update: event => {
      if (event.event === "blur") losses += 1;
    },
    on_trial_finish: data => {
      const { trial_type: type, trial_index: _, plugin_version: __, ...rest } = data;
      // Trials are kept as soon as they are answered.
      if (type === "browser-check") {
        keep({ trial_type: type, ...rest });
      } else if (type !== "mark-labels") {
        keep({ trial_type: type, page: rest.page, reaction_time: rest.rt, time_elapsed: rest.time_elapsed });
      }
    },
  });

  const keepTrial = (trial, shown, { marked, ...told }) => {
    // Back from places to labels, in the tree's order.
    const responses = marked === null ? null : places.map((_, label) => marked[places.indexOf(label)]);
    const targets = experiment.targets[trial.item];
    const elapsed = jsPsych.getTotalTime();
    keep({ trial_type: "mark-labels", ...trial, stimulus_shown: shown, ...told, responses, targets, focus_losses: losses, time_elapsed: elapsed });
    losses = 0;
  };

  const page = (name, html, choice) => ({
    type: jsPsychHtmlButtonResponse,
    stimulus: `<main class="page">${html}</main>`,
    choices: [choice],
    data: { page: name },
    on_load: () => document.querySelector("button.jspsych-btn").focus(),
  });
  const seen = name => rows.some(row => row.page === name);
  const timeline = [];
  if (!rows.some(row => row.trial_type === "browser-check")) {
    timeline.push({
      type: jsPsychBrowserCheck,
      features: ["width", "height", "browser", "browser_version", "mobile", "os", "vsync_rate"],
      skip_features: ["webaudio", "webcam", "microphone"],
    });
  }
  if (experiment.pages.consent && day === 1 && !seen("consent")) {
    timeline.push(page("consent", experiment.pages.consent, "I agree"));
  }
  if (done === 0) timeline.push(page("instructions", experiment.pages.instructions + (experiment.bonus ? `<p>${plain(experiment.bonus)}</p>` : ""), "Begin"));
  if (done > 0 && done < all.length) {
    timeline.push(page("continued", `<h1>Welcome back</h1><p>Trial ${done + 1} of ${all.length} of today is next.</p>`, "Go on"));
  }
  const perBlock = experiment.trials;
  all.slice(done).forEach((trial, index) => {
    const place = done + index;
    if (place > 0 && place % perBlock === 0 && index > 0) {
      timeline.push(page("break", `<h1>Block ${trial.block - 1} of ${experiment.blocks} is done</h1><p>Take a short break, and go on when you are ready.</p>`, "Go on"));
    }
    timeline.push({
      type: MarkLabels,
      stimulus: experiment.stimuli[stimuli[trial.item]],
      words: places.map(label => experiment.words[words[label]]),
      answer: places.map(label => experiment.targets[trial.item][label]),
      deadline: experiment.deadline,
      feedback_time: experiment.feedback_time,
      keyboard: experiment.keyboard,
      progress: `Day ${day} of ${experiment.days}, block ${trial.block} of ${experiment.blocks}, trial ${(place % perBlock) + 1} of ${perBlock}`,
      post_trial_gap: experiment.pause * 1000,
      answered: told => keepTrial(trial, stimuli[trial.item], told),
    });
  });
  if (!kept.saved && timeline.length > 0) {
    const missing = await Storage.pictures(experiment.stimuli);
    if (missing.length > 0) {
      tell(`<h1>A picture could not be loaded</h1><p>${plain(missing[0])} did not come. Please reload this page; if that does not help, tell the
        person who invited you.</p>`);
      return;
    }
    await jsPsych.run(timeline);
  }

  // All of the day is there: it leaves the browser before it is called saved.
  const last = day === experiment.days;
  const token = given("token");
  const save = async () => {
    if (jatos) {
      await jatos.submitResultData(JSON.stringify(rows));
    } else if (experiment.save === "server") {
      await Storage.send(rows, token);
    } else {
      Storage.downloadBoth(rows, participant, day);
    }
    // What another machine holds need not lie here, too.
    Storage.write({ rows: experiment.save === "download" ? rows : [], saved: true }, ...own);
  };
  const farewell = last ? experiment.pages.debrief : `<h1>Thank you</h1><p>Day ${day} of ${experiment.days} is done. Please come back for day ${day + 1}.</p>`;
  const again = `<p><button type="button" id="again">Download the data of this day</button></p>`;
  const offer = () => document.getElementById("again")?.addEventListener("click", () => Storage.downloadBoth(rows, participant, day));
  try {
    if (!kept.saved) await save();
    const finish = `<p><button type="button" id="finish">Finish</button></p>`;
    tell(farewell + (experiment.save === "download" ? again : "") + (jatos ? finish : ""));
    document.body.dataset.state = "saved";
    offer();
    // Leads to where the JATOS study says, such as back to Prolific.
    document.getElementById("finish")?.addEventListener("click", () => jatos.endStudy());
  } catch (reason) {
    const safe = Storage.works() && Storage.read(...own).rows.length === rows.length
      ? "Nothing is lost: reload this page to try again, or download the data"
      : "Do not close this page yet, since this browser keeps nothing: download the data";
    tell(`<h1>The data could not be sent</h1><p>${plain(reason.message)}</p><p>${safe} and send them to the person who invited you.</p>${again}`);
    document.body.dataset.state = "unsent";
    offer();
  }
})();

"use strict";
// Rows of an unfinished day, kept by the browser so that a reload goes on with it; and where rows go in the end.

const Storage = (() => {
  const key = (experiment, participant, day) => `ocs ${experiment.hash} ${day} ${participant}`;

  // Some browsers refuse in private windows: then a day that is reloaded begins anew, and its rows say so.
  const works = () => {
    try {
      localStorage.setItem("ocs", "1");
      localStorage.removeItem("ocs");
      return true;
    } catch {
      return false;
    }
  };

  // Whether this is the only window of the day; held until it is closed. Where browsers have no locks (pages of a disk) nobody knows.
  const alone = (...of) => new Promise(tell => {
    if (!navigator.locks) {
      tell(true);
      return;
    }
    const held = navigator.locks.request(key(...of), { ifAvailable: true }, lock => {
      tell(lock !== null);
      return lock === null ? undefined : new Promise(() => undefined);
    });
    held.catch(() => tell(true));
  });

  const read = (...of) => {
    try {
      return JSON.parse(localStorage.getItem(key(...of))) || { rows: [], saved: false };
    } catch {
      return { rows: [], saved: false };
    }
  };

  // Days that were saved make room for one that was not.
  const forgetSaved = () => {
    const names = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index));
    const isSaved = name => name.startsWith("ocs ") && /"saved":true}$/.test(localStorage.getItem(name));
    const saved = names.filter(isSaved);
    saved.forEach(name => localStorage.setItem(name, '{"rows":[],"saved":true}'));
    return saved.length > 0;
  };

  const write = (kept, ...of) => {
    const set = () => localStorage.setItem(key(...of), JSON.stringify(kept));
    try {
      set();
    } catch (reason) {
      try {
        if (forgetSaved()) set();
        else throw reason;
      } catch {
        console.warn("this browser keeps nothing: a reload begins the day anew", reason.name);
      }
    }
  };

  // Those of the pictures that do not come.
  const pictures = async files => {
    const missing = await Promise.all(files.map(async file => {
      const image = new Image();
      image.src = file;
      return image.decode().then(() => [], () => [file]);
    }));
    return missing.flat();
  };

  // One row a trial, lists as JSON.
  const csv = rows => {
    const columns = [...new Set(rows.flatMap(Object.keys))];
    const cell = value => {
      if (value === null || value === undefined) return "";
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
    };
    const lines = [columns, ...rows.map(row => columns.map(column => row[column]))];
    return lines.map(line => line.map(cell).join(",")).join("\r\n") + "\r\n";
  };

  const download = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  const fileName = (participant, day) => `${participant.replace(/[^A-Za-z0-9_-]/g, "_")}-day-${day}`;

  const downloadBoth = (rows, participant, day) => {
    const name = fileName(participant, day);
    download(`${name}.json`, JSON.stringify(rows), "application/json");
    download(`${name}.csv`, csv(rows), "text/csv");
  };

  // To the server that gave the page (`ocs human serve`); three attempts.
  const send = async (rows, token) => {
    let reason = "";
    for (const wait of [0, 1000, 3000]) {
      await new Promise(done => setTimeout(done, wait));
      try {
        const headers = { "Content-Type": "application/json" };
        if (token) headers.Authorization = `Bearer ${token}`;
        const answer = await fetch("sessions", { method: "POST", headers, body: JSON.stringify(rows) });
        if (answer.ok) return;
        reason = `${answer.status} ${await answer.text()}`.trim();
      } catch (error) {
        reason = error.message;
      }
    }
    throw new Error(reason);
  };

  return { works, alone, pictures, read, write, downloadBoth, send };
})();

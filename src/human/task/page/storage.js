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

  const read = (...of) => {
    try {
      return JSON.parse(localStorage.getItem(key(...of))) || { rows: [], saved: false };
    } catch {
      return { rows: [], saved: false };
    }
  };

  const write = (kept, ...of) => {
    try {
      localStorage.setItem(key(...of), JSON.stringify(kept));
    } catch (reason) {
      console.warn("this browser keeps nothing: a reload begins the day anew", reason.name);
    }
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

  return { works, read, write, csv, downloadBoth, send };
})();

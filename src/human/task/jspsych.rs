//! jsPsych 8, which runs the trials in the browser (MIT licence, jspsych.org).

use crate::data::NpmFile;

/// The files that the page loads.
pub const FILES: [NpmFile; 4] = [
    NpmFile {
        package: "jspsych@8.3.0",
        path: "dist/index.browser.min.js",
        name: "jspsych.js",
        sha256: "b58c69e607f2ddbd282f2daec43d882cac18d9e3efdad816215b818d1406d6ce",
    },
    NpmFile {
        package: "jspsych@8.3.0",
        path: "css/jspsych.css",
        name: "jspsych.css",
        sha256: "c12a72534d1676abd0e6a78c5040a78deae5798ee646284290d3be465291a3a4",
    },
    NpmFile {
        package: "@jspsych/plugin-html-button-response@2.1.0",
        path: "dist/index.browser.min.js",
        name: "plugin-html-button-response.js",
        sha256: "d4df2ebfd7dfac1451198dcb2b3ea45ad810eda7aa24e45e6851e1b531cbf0c9",
    },
    NpmFile {
        package: "@jspsych/plugin-browser-check@2.1.0",
        path: "dist/index.browser.min.js",
        name: "plugin-browser-check.js",
        sha256: "bdee6ebf31df30faf5e1ac3a76c5da7b598bc6587336863d540a36f2dc459e87",
    },
];

/// What stands beside them.
pub const NOTICE: &str = "jspsych.js and jspsych.css are of jsPsych 8.3.0, plugin-*.js of @jspsych/plugin-html-button-response 2.1.0 and
@jspsych/plugin-browser-check 2.1.0, unchanged, as published on npm under the MIT licence: https://www.jspsych.org
";

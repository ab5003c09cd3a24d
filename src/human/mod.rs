//! How do people learn the same tree? Files of trials become `HumanData`, a folder, and blocks of trials are judged as a network's
//! responses are, by the same judge and by estimates that few noisy marks do not make too large.
//!
//! `columns`, `rows`, `cell`: which column holds what, and what stands there. `import`, `oddities`: trials, and what is odd about them.
//! `folder`: what is kept of them; `place`: where. `tree`: what is taught. `block`, `estimate`: judgements. `dip`, `crossings`, `visit`, `resample`: what is
//! tested, and how. `analysis`: all of it; `page`: its figure. `learner`, `simulate`, `power`: the same without people. `long_table`: for
//! mixed models. `task`, `server`: the page on which people learn, and who gives it.

mod analysis;
mod block;
mod cell;
mod columns;
mod crossings;
mod dip;
mod estimate;
mod folder;
mod import;
mod learner;
mod long_table;
mod oddities;
mod page;
mod place;
mod power;
mod resample;
mod rows;
mod server;
mod simulate;
mod task;
mod tree;
mod trials;
mod visit;

pub use analysis::{
    Analysis, Band, GroupAnalysis, GroupBlock, Options, ParticipantAnalysis, Rate, analyse,
};
pub use block::{Block, blocks_of};
pub use columns::ColumnMap;
pub use crossings::{Crossing, HumanPhase};
pub use dip::Dip;
pub use estimate::{Estimates, Sums};
pub use folder::{
    DATA, DataRecord, FileRecord, HumanData, Origin, SCHEMA_VERSION, TRIALS, ensure_place,
};
pub use import::{Imported, import};
pub use learner::{Course, Learner, Network};
pub use long_table::{COLUMNS, write_long};
pub use oddities::Odd;
pub use page::{Clock, Networks, Subject, page};
pub use power::{Power, PowerOfTest, Studies};
pub use resample::{BOOTSTRAPS, Resamples, permuted, sign_flip};
pub use rows::Content;
pub use server::Server;
pub use simulate::{simulate, simulated};
pub use task::{ensure_place as ensure_task_place, write_task};
pub use tree::Taught;
pub use trials::{Trial, Trials};
pub use visit::{SIGNIFICANT, Test};

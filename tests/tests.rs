//! One test binary, so that libtorch is linked once. A module per promise.

/// Data flows one way: who may import whom.
mod architecture;
/// What a person types, and what comes back: outputs, exit codes, errors.
mod command_line;
mod config_keys;
/// Every claim of every study can fail: real records, changed just beyond its criterion, break it and no other.
mod claims;
/// Every number of a record is in the long table, and comes back as it was. `make test-python` asks pandas, NumPy and TensorBoard.
mod results;
/// Responses of each sample and weights along training, beside records: as they were observed, through interruptions and extensions.
mod beside_records;
/// Whitened images, projected inputs and random labels are what their names say; what is watched through few components.
mod whitened_images;
/// Networks as folders for PyTorch: text, weights, samples and what was recorded. `make test-torch` runs them there.
mod torch_folders;
/// docs/records.md names every field that a file of a run has, and none that no file has.
mod record_fields;
/// Those who look on (watch, list) see how far runs of others are, and write nothing.
mod looking_on;
/// Claims on class hierarchies tell a tree that follows the images from one that does not.
mod class_trees;
/// Grids make cells with names and values; a sweep goes on where it ended, and what fails stops nothing else.
mod sweeps;
/// Runs on a cluster: what is submitted, found again, told and refused, by stand-ins for Slurm's programs.
mod slurm;
/// The server for a laboratory: takes whole sessions of its task, and nothing else, whatever it is sent.
mod human_server;
/// Data sets are read right, or the file at fault is named; no wrong file ever gets its final name.
mod data_sets;
/// Data sets under the names, in the archives and homes that people have; small files that want much memory.
mod data_in_the_wild;
/// CIFAR-100: both layouts give the same images, its superclasses are a tree, and its classes go by their names.
mod cifar100;
/// Images of one's own, in folders, archives and IDX files: what is taken, and what a wrong file is told.
mod own_images;
/// Images of one's own that change, are no files, lack a class or are too large are told as such.
mod changed_images;
/// Batches are read as any Python pickles them, and nothing of a pickle is run.
mod pickled_batches;
/// Negative controls fail where inputs or losses are such that they should.
mod experiments;
/// Figures come out of records alone.
mod figures;
/// The figure of runs that belong to no experiment shows every condition, and says what it cannot show.
mod general_figure;
/// Signs in figures are explained, and texts are no wider than what they belong to.
mod figure_texts;
/// Conditions and runs in one panel: told apart at every width, and what is asked for is found or answered.
mod overlaid_figures;
/// Words are explained from one table, whose files are there; manual pages say what --help says.
mod explained_words;
/// Commands that documents show are taken, and run; their links lead somewhere.
mod documents;
/// Pages find their legends, axes and frames from layers.
mod pages;
/// What stderr says while others wait: when, how far, and in plain text where nobody asked for colours.
mod messages;
/// `ocs plot` finds runs, names figures after them, and never writes over a shipped one.
mod plot_command;
/// Tangent kernels are those of per-sample gradients, of wide networks' theory, and their claims notice what is wrong.
mod kernels;
/// Tasks without a tree: inputs that are drawn, targets that are numbers, and bias-free networks that are linear ones on them.
mod tasks_without_a_tree;
/// Balanced starts are balanced; theory says what they reach, and probes what they hold alike and forget.
mod balanced_starts;
/// Wide networks: weights with a factor, starts at 0, layers that stay, samples that are only judged, and the linear model they begin as.
mod wide_networks;
/// Wide linear networks learn along the principal components of their inputs as the formula says, and nearly so at finite width.
mod principal_components;
/// Gradient descent follows theory, to the order of its step.
mod gradient_descent;
/// Initial weights follow the law of their kind, in every layer of every network.
mod initial_weights;
/// Schedules, decay and clipping: on the run's clock, in stacks, in theory, and after an interruption.
mod schedules;
/// Optimisers, layers and preprocessing do what PyTorch's do.
mod matches_pytorch;
/// Losses are PyTorch's, theory knows where they lead, and what they cannot learn is refused.
mod losses;
/// Blocks, normalisation, residual units and dropout do what PyTorch's do, and what cannot be combined is refused.
mod networks;
/// The same seed gives the same bytes, also after an interruption; another seed does not.
mod reproducible_runs;
/// What newcomers write is read as they mean it, or told with what to write; no config takes long to answer.
mod first_configs;
/// Every file in `configs/` loads, says what its comments say, and runs in a small size.
mod shipped_configs;
/// A checkpoint is of all runs of a stack or of none, whole or not used; nothing that was computed is lost or replaced unasked.
mod checkpoints;
/// Runs are given more steps where that is well-defined, as if they had had them from the start; else it is told why not.
mod longer_runs;
/// One run folder is of one config: what its config.yaml cannot tell of is refused before anything is trained.
mod run_folders;
/// Whatever is in a record's file, it is read and drawn, or refused by file and field.
mod damaged_records;
/// What does not fit into memory is refused beforehand; estimates are near what runs take.
mod memory;
/// Laws of the metrics, over random trees and responses.
mod laws_of_metrics;
/// Training in stretches: weights and clocks go on, resuming in any stretch changes no byte, theory's flow goes on too.
mod stretches;
/// Stacks of linear networks, and steps on moments, are what single runs on samples are.
mod stacks;
/// Theory answers with numbers for every depth, bias option, start and time.
mod robust_theory;
/// Theory on images is the flow of the layers themselves, and gradient descent follows it.
mod theory_of_images;
/// Set-up works with the machine's Python, and the program with the libtorch that it was built for or none.
mod set_up;
/// Data of people: what is read, refused and reported; estimates without bias; visits to the OCS found where they are, and only there.
mod human;
/// What the machine gives: cores by Slurm or a mask, devices, a cache of what was derived.
mod machine;
/// Records of quick runs stay what they were, but for last digits.
mod golden;
/// No promise of its own: shipped experiments in their quick form, for those above that decide claims.
mod quick_runs;

/// The OCS phase: its verdicts do not hang on when a run is observed, nor on noise.
mod phases;

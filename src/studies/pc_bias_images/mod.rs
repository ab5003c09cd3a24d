//! Do networks learn images through their largest principal components first, and is that what makes examples easy?

mod analysis;
mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{Claim, at_least, at_most, below, claim};
use crate::config::{Inputs, NetworkKind, Preprocessing};
use crate::metrics::{bootstrap_interval, correlation, rank_correlation, shuffled};
use crate::record::{Record, RunFolder};
use analysis::{
    FEW_AND_MANY, FIRST, Kind, LEARNED, NETWORKS, SETS, accessibility, accuracy, critical,
    gain_of_stopping, lag, numbers_of_components, pairs, pick, shares_of_first, slower,
};

/// The study.
pub static STUDY: Study = Study {
    stem: "pc_bias_images",
    question: "Are images learned through their largest principal components first?",
    source: "Hacohen, Weinshall 2022 (JMLR 23): principal-component bias of over-parametrised networks, here on MNIST and CIFAR-10 with \
             small networks of our own",
    config: include_str!("../../../configs/pc_bias_images.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = order(runs)?;
    claims.extend(examples(runs)?);
    claims.extend(random_labels(runs)?);
    claims.extend(stopping(runs)?);
    Ok(claims)
}

/// How much of the accuracy lies in the first components, and when.
fn order(runs: &RunFolder) -> Result<Vec<Claim>> {
    const FALLS: f64 = 0.2;
    const MORE: f64 = 0.15;
    let shares = |inputs, network, preprocessing| -> Result<Option<[f64; 2]>> {
        Ok(shares_of_first(&pick(runs, Kind::Watched(inputs, network, preprocessing))?))
    };
    let share = format!("share of accuracy above chance on the first {FIRST} components");
    let mut claims = Vec::new();
    for (inputs, set, set_words) in SETS {
        for (network, name, words) in NETWORKS {
            let centred = shares(inputs, network, Preprocessing::PixelCentred)?;
            let white = shares(inputs, network, Preprocessing::ZcaWhitened)?;
            claims.push(
                claim(format!("first-components-early-{set}-{name}"))
                    .says(format!("On {set_words} the first components carry more of the accuracy early than late: {words}."))
                    .predicted()
                    .values(
                        &format!("{share}, at half of the accuracy - at the end, means over seeds"),
                        [centred.map(|[early, late]| early - late)],
                    )
                    .each(at_least(FALLS), "{}"),
            );
            claims.push(
                claim(format!("whitening-takes-it-away-{set}-{name}"))
                    .says(format!("On {set_words} they carry less of it after whitening: {words}."))
                    .control()
                    .predicted()
                    .values(
                        &format!(
                            "{share}, at half of the accuracy, centred - whitened, means over seeds"
                        ),
                        [centred.zip(white).map(|([centred, _], [white, _])| centred - white)],
                    )
                    .each(at_least(MORE), "{}"),
            );
        }
    }
    claims.push(lags(runs)?);
    Ok(claims)
}

/// When accuracy through many components has risen, over when that through few has.
fn lags(runs: &RunFolder) -> Result<Claim> {
    let [few, many] = FEW_AND_MANY;
    let mut lags = Vec::new();
    for (inputs, ..) in SETS {
        for (network, ..) in NETWORKS {
            lags.push(lag(&pick(
                runs,
                Kind::Watched(inputs, network, Preprocessing::PixelCentred),
            )?));
        }
    }
    let percent = 100.0 * LEARNED;
    Ok(claim("many-components-after-few")
        .says("How much later accuracy through many components has risen than that through few; small ratios are of few updates.")
        .values(&format!("updates to {percent} % of the rise on {many} / on {few}, centred"), lags)
        .reported())
}

/// What accessibility is held against.
const SPEARMAN: &str = "Spearman's correlation of accessibility and critical component";

/// Which examples are easy, for whom.
fn examples(runs: &RunFolder) -> Result<Vec<Claim>> {
    const AGREE: f64 = 0.5;
    const FALLS: f64 = -0.5;
    const CHANCE: f64 = 0.15;
    let (mut claims, mut by_chance) = (Vec::new(), Vec::new());
    for (inputs, set, words) in SETS {
        let centred =
            |network| pick(runs, Kind::Watched(inputs, network, Preprocessing::PixelCentred));
        let (linear, cnn) = (centred(NetworkKind::Linear)?, centred(NetworkKind::Cnn)?);
        let (easy, easy_for_cnn) = (accessibility(&linear), accessibility(&cnn));
        let agreeing = pairs(easy.as_ref(), easy_for_cnn.as_ref());
        claims.push(
            claim(format!("networks-agree-on-{set}"))
                .says(format!(
                    "A linear and a convolutional network find the same examples of {words} easy{} (the paper: 0.85).",
                    interval_in_words(bootstrap_interval(&agreeing, correlation))
                ))
                .predicted()
                .values("r of accessibility, linear and convolutional", [correlation(&agreeing)])
                .each(at_least(AGREE), "{}"),
        );
        let mixed = easy_for_cnn.as_ref().map(|easy| shuffled(easy, 0));
        by_chance.push(correlation(&pairs(easy.as_ref(), mixed.as_ref())).map(f64::abs));
        for (network, name, network_words) in NETWORKS {
            let chosen = if network == NetworkKind::Linear { &linear } else { &cnn };
            let found = pairs(accessibility(chosen).as_ref(), critical(chosen).as_ref());
            claims.push(
                claim(format!("easy-by-components-{set}-{name}"))
                    .says(format!(
                        "On {words} examples that need few components are easy: {network_words}{} (the paper: -0.93).",
                        interval_in_words(bootstrap_interval(&found, rank_correlation))
                    ))
                    .predicted()
                    .values(SPEARMAN, [rank_correlation(&found)])
                    .each(at_most(FALLS), "{}"),
            );
            claims.push(agreement_of_seeds(&format!("{set}-{name}"), words, network_words, chosen));
        }
        let white = NETWORKS.map(|(network, ..)| -> Result<Option<f64>> {
            let chosen = pick(runs, Kind::Watched(inputs, network, Preprocessing::ZcaWhitened))?;
            Ok(rank_correlation(&pairs(
                accessibility(&chosen).as_ref(),
                critical(&chosen).as_ref(),
            )))
        });
        claims.push(
            claim(format!("easy-by-components-{set}-whitened"))
                .says(format!("The same after whitening, on {words}: of a linear and of a convolutional network."))
                .values(SPEARMAN, white.into_iter().collect::<Result<Vec<_>>>()?)
                .reported(),
        );
    }
    let whitened = |preprocessing| -> Result<_> {
        let chosen = pick(runs, Kind::Watched(Inputs::Mnist, NetworkKind::Linear, preprocessing))?;
        Ok(accessibility(&chosen))
    };
    let (zca, pca) = (whitened(Preprocessing::ZcaWhitened)?, whitened(Preprocessing::PcaWhitened)?);
    claims.push(
        claim("whitened-either-way-alike")
            .says("Whitened in place or as a list of components, MNIST's inputs differ by a rotation, which a linear network does not see: the same examples are easy.")
            .values(
                "r of accessibility, linear networks, zca- and pca-whitened",
                [correlation(&pairs(zca.as_ref(), pca.as_ref()))],
            )
            .reported(),
    );
    claims.push(
        claim("shuffled-examples-do-not-agree")
            .says("With examples shuffled nothing agrees.")
            .control()
            .values("|r| of accessibility, linear and convolutional, shuffled", by_chance)
            .each(at_most(CHANCE), "on both data sets"),
    );
    Ok(claims)
}

/// How far networks of one kind agree among themselves, which bounds what two kinds can.
fn agreement_of_seeds(id: &str, set: &str, network: &str, runs: &[&Record]) -> Claim {
    let own: Vec<Option<Vec<f64>>> = runs.iter().map(|run| accessibility(&[run])).collect();
    let of_pairs = own.iter().enumerate().flat_map(|(index, one)| {
        own[index + 1..].iter().map(|other| correlation(&pairs(one.as_ref(), other.as_ref())))
    });
    claim(format!("seeds-agree-on-{id}"))
        .says(format!("How far networks of one kind agree on {set}: {network}."))
        .values("r of accessibility of two seeds", of_pairs)
        .reported()
}

fn interval_in_words(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(String::new, |[low, high]| {
        format!("; drawing examples anew, 95 % lie in {low:.2} to {high:.2}")
    })
}

/// Random labels, before and after whitening.
fn random_labels(runs: &RunFolder) -> Result<Vec<Claim>> {
    const SLOWER: f64 = 2.0;
    const ALIKE: f64 = 1.3;
    let percent = 100.0 * LEARNED;
    let quantity =
        format!("updates until {percent} % of the training samples are right, random / own labels");
    let ratios = |network, is_white| -> Result<Vec<Option<f64>>> {
        let of = |is_random| pick(runs, Kind::Memorised { network, is_white, is_random });
        Ok(slower(&of(false)?, &of(true)?))
    };
    let mut claims = Vec::new();
    for (network, name, words) in NETWORKS {
        claims.push(
            claim(format!("random-labels-are-slower-{name}"))
                .says(format!("Random labels are learned later than their own: {words}."))
                .predicted()
                .values(&quantity, ratios(network, false)?)
                .each(at_least(SLOWER), "for every seed"),
        );
    }
    claims.push(
        claim("whitened-random-labels-linear")
            .says("Whitened, a linear network learns random labels as fast as their own.")
            .control()
            .predicted()
            .values(&quantity, ratios(NetworkKind::Linear, true)?)
            .each(at_most(ALIKE), "for every seed"),
    );
    let (white, centred) = (ratios(NetworkKind::Cnn, true)?, ratios(NetworkKind::Cnn, false)?);
    let falls = white
        .iter()
        .zip(&centred)
        .map(|(white, centred)| white.zip(*centred).map(|(white, centred)| white / centred));
    claims.push(
        claim("whitened-random-labels-cnn")
            .says("Whitened, random labels cost a convolutional network less.")
            .predicted()
            .values("that ratio, whitened / centred", falls)
            .each(below(1.0), "for every seed"),
    );
    Ok(claims)
}

/// Early stopping beside projections.
fn stopping(runs: &RunFolder) -> Result<Vec<Claim>> {
    const GAIN: f64 = 0.05;
    const NEAR: f64 = 0.03;
    const NO_GAIN: f64 = 0.02;
    let all = |is_white| pick(runs, Kind::Long { components: None, is_white });
    let (whole, white) = (all(false)?, all(true)?);
    let projected: Vec<Option<f64>> = numbers_of_components(runs)
        .into_iter()
        .map(|count| {
            let chosen =
                pick(runs, Kind::Long { components: Some(count), is_white: false }).ok()?;
            accuracy(&chosen)?.last()
        })
        .collect();
    let best = projected.iter().flatten().copied().reduce(f64::max);
    let stopped = accuracy(&whole).and_then(|curve| curve.best());
    let quantity = "accuracy at its best moment - at the end, mean over seeds";
    Ok(vec![
        claim("stopping-helps")
            .says("On all components a linear network overfits.")
            .predicted()
            .values(quantity, [gain_of_stopping(&whole)])
            .each(at_least(GAIN), "{}"),
        claim("stopping-is-projecting")
            .says("Trained to the end on few components it is as good as stopped early.")
            .predicted()
            .values(
                "best accuracy on all components - at the end on as many as serve best",
                [stopped.zip(best).map(|(stopped, best)| stopped - best)],
            )
            .each(at_most(NEAR), "{}"),
        claim("whitened-stopping-does-not-help")
            .says("Whitened, all is learned at once, and stopping gains nothing.")
            .control()
            .predicted()
            .values(quantity, [gain_of_stopping(&white)])
            .each(at_most(NO_GAIN), "{}"),
    ])
}

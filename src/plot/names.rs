//! Names that fit where they are shown: long ones are cut so that they stay apart.

use unicode_width::UnicodeWidthChar;

/// Stands for what was cut.
const ELLIPSIS: char = '…';

/// Each name in at most `room`, as `width` measures it. Of a long one the middle is left out; names that are then alike lose
/// what they have in common at their beginning instead, and where that is not enough either they are numbered. Different
/// names stay different as long as `room` holds a few characters.
pub fn shortened(names: &[&str], width: impl Fn(&str) -> f64, room: f64) -> Vec<String> {
    let whole: Vec<String> = names.iter().map(|name| on_one_line(name)).collect();
    let mut short: Vec<String> =
        whole.iter().map(|name| without_middle(name, &width, room)).collect();
    for group in alike(&short, &whole) {
        let common = group.iter().map(|&index| &*whole[index]).reduce(common_start);
        let common = common.map_or(0, str::len);
        for &index in &group {
            short[index] = from_difference(&whole[index], common, &width, room);
        }
    }
    for group in alike(&short, &whole) {
        for index in group {
            let number = format!(" #{}", index + 1);
            short[index] = without_end(&whole[index], &width, room - width(&number)) + &number;
        }
    }
    short
}

/// Groups of different names that became the same.
fn alike(short: &[String], whole: &[String]) -> Vec<Vec<usize>> {
    let mut groups: std::collections::BTreeMap<&str, Vec<usize>> = Default::default();
    for (index, name) in short.iter().enumerate() {
        groups.entry(name).or_default().push(index);
    }
    let differ = |group: &Vec<usize>| group.iter().any(|&index| whole[index] != whole[group[0]]);
    groups.into_values().filter(differ).collect()
}

/// Control characters and runs of blanks as one blank.
pub fn on_one_line(name: &str) -> String {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = name.chars().map(blank).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning that two names share.
fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let same = letters(one).zip(letters(other)).take_while(|(one, other)| one == other);
    &one[..same.map(|(letter, _)| letter.len()).sum()]
}

fn without_middle(name: &str, width: &impl Fn(&str) -> f64, room: f64) -> String {
    if width(name) <= room {
        return name.to_owned();
    }
    let all: Vec<&str> = letters(name).collect();
    let cut = |kept: usize| {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        format!("{}{ELLIPSIS}{}", all[..head].concat(), all[all.len() - tail..].concat())
    };
    longest(all.len(), cut, width, room)
}

/// A name from where it differs, after as much of what is common as there is room for.
fn from_difference(name: &str, common: usize, width: &impl Fn(&str) -> f64, room: f64) -> String {
    let (start, rest) = name.split_at(common);
    let mut cut = without_end(&format!("{ELLIPSIS}{rest}"), width, room);
    for kept in 1..=letters(start).count() {
        let all: Vec<&str> = letters(start).collect();
        let longer = format!("{ELLIPSIS}{}{rest}", all[all.len() - kept..].concat());
        if width(&longer) > room {
            break;
        }
        cut = longer;
    }
    cut
}

fn without_end(name: &str, width: &impl Fn(&str) -> f64, room: f64) -> String {
    if width(name) <= room {
        return name.to_owned();
    }
    let all: Vec<&str> = letters(name).collect();
    let cut = |kept: usize| format!("{}{ELLIPSIS}", all[..kept].concat());
    longest(all.len(), cut, width, room)
}

/// The longest cut that fits, of those that keep fewer than `all` letters; the shortest if none does.
fn longest(
    all: usize,
    cut: impl Fn(usize) -> String,
    width: &impl Fn(&str) -> f64,
    room: f64,
) -> String {
    let fitting = (1..all).map(&cut).take_while(|text| width(text) <= room).last();
    fitting.unwrap_or_else(|| cut(0))
}

/// Letters with the accents that belong to them, which must not be torn off.
fn letters(name: &str) -> impl Iterator<Item = &str> {
    let starts = name
        .char_indices()
        .filter(|(at, c)| *at == 0 || UnicodeWidthChar::width(*c) != Some(0))
        .map(|(at, _)| at);
    let ends = starts.clone().skip(1).chain([name.len()]);
    starts.zip(ends).map(|(start, end)| &name[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str], room: f64) -> Vec<String> {
        shortened(names, |text| unicode_width::UnicodeWidthStr::width(text) as f64, room)
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        assert_eq!(columns(&["short", "exactly ten"], 11.0), ["short", "exactly ten"]);
        assert_eq!(columns(&["learning-rate-0.1"], 9.0), ["lear…-0.1"]);
        let same_ends = ["a-very-long-one-lr-0.1-end", "a-very-long-one-lr-0.2-end"];
        assert_eq!(columns(&same_ends, 10.0), ["…r-0.1-end", "…r-0.2-end"]);
        // In groups of more than two, pairs may share more than the group does.
        let three = [
            "begin-aaaaaaaaaaaaaaaaaaaaaaaaaa1-the-end",
            "begin-aaaaaaaaaaaaaaaaaaaaaaaaaa2-the-end",
            "begin-baaaaaaaaaaaaaaaaaaaaaaaaa2-the-end",
        ];
        let cut = columns(&three, 12.0);
        assert_eq!(cut, ["begin-aa… #1", "begin-aa… #2", "…baaaaaaaaa…"]);
        let alike = columns(&["the same long name", "the same long name"], 8.0);
        assert_eq!(alike[0], alike[1], "one name is not two");
    }

    #[test]
    fn every_name_fits_in_room_for_a_few_letters_whatever_its_script() {
        let long = ["ö", "x⁻²", "W₀", "名前", "e\u{301}"].map(|letter| letter.repeat(50));
        let names: Vec<&str> = long.iter().map(|name| &**name).collect();
        for room in 6..60 {
            for (short, name) in columns(&names, f64::from(room)).iter().zip(&names) {
                let width = unicode_width::UnicodeWidthStr::width(&**short);
                assert!(width <= room as usize, "{room}: {short}");
                assert!(width + 2 >= room as usize || short == name, "{room}: wasted, {short}");
            }
        }
        assert!(!columns(&[names[4]], 9.0)[0].contains("…\u{301}"), "an accent was torn off");
        assert_eq!(columns(&["two\nlines\tand \u{7} a bell"], 40.0), ["two lines and a bell"]);
        assert_eq!(columns(&["", "anything"], 1.0), ["", "…"]);
    }
}

//! Makes texts that look alike the same: what words are compared by.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::messages::is_invisible;

/// A text as words are compared by, and where each of its characters comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// Letters alone: lower case, without marks; Hangul as its jamo.
    pub(super) letters: Vec<char>,
    /// Which character of the text each letter comes from.
    pub(super) sources: Vec<usize>,
    /// Whether something that is no letter stands before each letter.
    pub(super) gaps: Vec<bool>,
}

/// Folds a text.
pub(super) fn fold(text: &str) -> Folded {
    let characters: Vec<char> = text.chars().collect();
    let lettered = lettered(&characters);
    let mut folded = Folded::default();
    let mut gap = true;
    for (source, (&character, lettered)) in characters.iter().zip(lettered).enumerate() {
        if is_invisible(character) {
            continue;
        }
        for part in std::iter::once(character).nfkd().filter(|part| !is_combining_mark(*part)) {
            for lower in part.to_lowercase() {
                match letter(lower, lettered) {
                    Some(letter) => {
                        folded.letters.push(letter);
                        folded.sources.push(source);
                        folded.gaps.push(std::mem::take(&mut gap));
                    }
                    None => gap = true,
                }
            }
        }
    }
    folded
}

impl Folded {
    /// Whether a word begins with the letter at this place.
    pub(super) fn begins_word(&self, place: usize) -> bool {
        self.gaps.get(place).copied().unwrap_or(true)
    }

    /// Whether the character that the letter comes from begins with it.
    pub(super) fn begins_character(&self, place: usize) -> bool {
        place == 0 || place >= self.sources.len() || self.sources.get(place - 1) != self.sources.get(place)
    }
}

/// For each character, whether the word it stands in has a letter before or behind it: only there a digit stands for one.
fn lettered(characters: &[char]) -> Vec<bool> {
    let mut lettered = Vec::with_capacity(characters.len());
    for word in characters.split_inclusive(|character| character.is_whitespace()) {
        let has_letter = word.iter().any(|character| character.is_alphabetic());
        lettered.extend(std::iter::repeat_n(has_letter, word.len()));
    }
    lettered
}

/// The letter a character stands for; none when it separates.
fn letter(character: char, lettered: bool) -> Option<char> {
    let digit = match character {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        '$' => 's',
        _ => character,
    };
    if lettered && digit != character {
        return Some(digit);
    }
    if separates(character) {
        return None;
    }
    Some(match character {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'е' | 'ε' => 'e',
        'н' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' => 'v',
        'х' | 'χ' => 'x',
        'у' => 'y',
        // A final consonant is the same letter as an initial one.
        '\u{11a8}'..='\u{11c2}' => initial_of_final(character),
        other => other,
    })
}

fn separates(character: char) -> bool {
    character.is_whitespace()
        || character.is_ascii_punctuation()
        || character.is_control()
        || matches!(character, '\u{a1}' | '\u{ab}' | '\u{b7}' | '\u{bb}' | '\u{bf}' | '\u{2010}'..='\u{205e}' | '\u{3001}'..='\u{3030}' | '\u{318d}' | '\u{119e}')
}

/// The initial consonants in the order of the finals U+11A8 to U+11C2; clusters stand for their first letter.
const INITIALS: [u8; 27] = [0, 1, 0, 2, 2, 2, 3, 5, 5, 5, 5, 5, 5, 5, 5, 6, 7, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18];

fn initial_of_final(character: char) -> char {
    let place = (character as usize).wrapping_sub(0x11a8);
    let initial = INITIALS.get(place).map(|initial| 0x1100 + u32::from(*initial));
    initial.and_then(char::from_u32).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> String {
        fold(text).letters.into_iter().collect()
    }

    #[test]
    fn texts_that_look_alike_are_the_same() {
        for (one, other) in [
            ("Word", "ｗｏｒｄ"),
            ("word", "w\u{200b}o\u{ad}r\u{301}d"),
            ("word", "w0rd"),
            ("sassy", "$a55y"),
            ("bad", "В4d"),
            ("바보", "ㅂㅏㅂㅗ"),
            ("각", "ㄱㅏㄱ"),
            ("밥", "ㅂㅏㅂ"),
            ("Éclair", "eclair"),
        ] {
            assert_eq!(letters(one), letters(other), "{one} {other}");
        }
        assert_ne!(letters("1004"), letters("iooa"), "a number alone is a number");
        assert_eq!(letters("...!?"), "");
    }

    #[test]
    fn letters_know_where_they_come_from() {
        let folded = fold("a. 밥b");
        assert_eq!(folded.sources, [0, 3, 3, 3, 4]);
        assert_eq!(folded.gaps, [true, true, false, false, false]);
        assert!(folded.begins_character(1) && !folded.begins_character(2) && folded.begins_character(4));
    }
}

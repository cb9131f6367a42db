//! Who plays in the demo: the shows, the crowd and what they say.

/// One show of the demo.
pub(crate) struct Show {
    pub(crate) handle: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) title: &'static str,
    /// The clip that loops, as FLV; `clips/make.py` tells how it was made.
    pub(crate) clip: &'static [u8],
    /// How many of a hundred in the crowd watch it.
    pub(crate) share: u64,
}

pub(crate) const SHOWS: [Show; 3] = [
    Show {
        handle: "haneul",
        display_name: "하늘",
        title: "달빛 마당 — lanterns, drums and requests",
        clip: include_bytes!("clips/night.flv"),
        share: 60,
    },
    Show {
        handle: "morning_yard",
        display_name: "Morning Yard",
        title: "Slow morning: tea, kites and a little gayageum",
        clip: include_bytes!("clips/dawn.flv"),
        share: 25,
    },
    Show {
        handle: "noeul",
        display_name: "노을",
        title: "노을 질 때까지 수다 · chatting until sunset",
        clip: include_bytes!("clips/dusk.flv"),
        share: 15,
    },
];

pub(crate) const NAMES: [&str; 24] = [
    "민지", "Oliver", "서연", "Yuki", "도윤", "Camille", "하준", "Ines", "지우", "Mateo", "수아", "Priya", "예준",
    "Lena", "다은", "Tom", "현우", "Aiko", "채원", "Noah", "은서", "Sofia", "준호", "Elif",
];

pub(crate) const LINES: [&str; 40] = [
    "안녕하세요! 방금 들어왔어요",
    "hello from Lisbon 👋",
    "오늘 조명 너무 예뻐요",
    "this song is stuck in my head now",
    "등불 색감 미쳤다 🏮",
    "who else is watching from work",
    "ㅋㅋㅋㅋㅋㅋ",
    "the drummer is so good",
    "와 진짜 잘한다",
    "first time here, I like it already",
    "볼륨 딱 좋아요",
    "can you play the one from last week?",
    "지난주 노래 또 불러주세요!",
    "❤️❤️❤️",
    "화질 깨끗하네요",
    "the moon tonight though",
    "퇴근하고 보는 마당 최고",
    "dinner and Madang, perfect evening",
    "저도 배우고 싶어요",
    "how long have you been practising?",
    "다들 저녁 드셨어요?",
    "ramyeon time 🍜",
    "하트 눌러요 여러분!",
    "tap tap tap",
    "오 방금 그거 뭐예요",
    "encore!",
    "앵콜! 앵콜!",
    "greetings from Oaxaca",
    "박자 타는 거 봐 ㅎㅎ",
    "this is so calming",
    "힐링된다…",
    "my cat is watching too",
    "고양이도 같이 보는 중 🐈",
    "love the little dancers",
    "춤추는 사람들 귀엽다",
    "is there a replay later?",
    "다시보기 올라오나요?",
    "good night everyone, see you tomorrow",
    "내일 봐요!",
    "안 자고 끝까지 본다",
];

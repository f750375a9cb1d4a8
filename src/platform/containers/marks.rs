//! How what a command has started is told from everything else in a container, although it runs as the same user and may
//! leave its group, its session and its environment.
//!
//! A mark is a pair of resource limits that mean nothing else: so many file locks, which Linux does not count, and so many
//! seconds of a processor, more than anyone has. They are passed on to whatever is started, and may be lowered but not
//! raised without a privilege that containers do not have. As one falls where the other rises, no marked process can take
//! another mark: it can only lose its own, and be among those that carry none.

use rand::RngExt;

/// Marks are below; file locks.
const MOST: u32 = 1_000_000_000;

/// What processes of one command carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(u32);

impl Mark {
    /// That of a container's own process.
    pub const MAIN: Self = Self(1);

    /// One of so many that no two are the same.
    pub fn new() -> Self {
        Self(rand::rng().random_range(2..MOST))
    }

    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// The mark of that [number](Self::number).
    pub fn of(number: i64) -> Option<Self> {
        u32::try_from(number).ok().filter(|number| (1..MOST).contains(number)).map(Self)
    }

    fn locks(self) -> u32 {
        self.0
    }

    fn seconds(self) -> u32 {
        2 * MOST - self.0
    }

    /// The command that gives itself the mark, says so with [`BEGUN`] on stdout, and becomes that other command.
    pub fn wrapping(self, argv: impl IntoIterator<Item = String>) -> Vec<String> {
        let own = ["sh", "-c", WRAP, "sh"].map(str::to_owned);
        own.into_iter().chain([self.seconds().to_string(), self.locks().to_string()]).chain(argv).collect()
    }
}

impl Default for Mark {
    fn default() -> Self {
        Self::new()
    }
}

/// The first that a marked command prints.
pub(super) const BEGUN: u8 = 6;

/// Shells do not agree on the letter for locks.
const WRAP: &str = r#"ulimit -t "$1" && { ulimit -x "$2" 2>/dev/null || ulimit -w "$2"; } || exit 125
shift 2; printf '\006'; exec "$@""#;

/// Which processes of a container are to be ended.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// All that carry none of these marks.
    Others(&'a [Mark]),
    /// Those of this mark, and those that had one and lost it. Who else is there need not be known.
    Of(Mark),
}

/// The command that kills them.
pub(super) fn end(whom: Ended) -> Vec<String> {
    let (how, marks) = match &whom {
        Ended::Others([Mark::MAIN]) => ("all", &[Mark::MAIN][..]),
        Ended::Others(kept) => ("some", *kept),
        Ended::Of(mark) => ("one", std::slice::from_ref(mark)),
    };
    let marks = marks.iter().map(|mark| format!("{}:{}", mark.seconds(), mark.locks()));
    ["sh", "-c", END, how].map(str::to_owned).into_iter().chain(marks).collect()
}

/// Starts nothing: there may be no room for a process more. What is to go is stopped first, so that it cannot start more
/// while it is killed. Where that does not help, as what is to go is another process each time it is looked for, or where
/// nothing but the container's own process is kept, everything is stopped at the same moment. What is kept then goes on,
/// the latest first: a shell that found its command stopped would take the terminal back.
const END: &str = r#"
how=$0 mark=$1 marks=" $* "
is_spared() {
  if [ $how != one ]; then
    case $marks in *" $seconds:$locks "*) return 0 ;; esac
    return 1
  fi
  case "$seconds:$locks" in
    unlimited:*|*:unlimited|*:|:*) return 0 ;;
    "$mark") return 1 ;;
  esac
  [ $((seconds + locks)) = 2000000000 ]
}
each() {
  left=0 moving=0 spared=
  for folder in /proc/[0-9]*; do
    id=${folder#/proc/} state= seconds= locks=
    [ "$id" = 1 ] || [ "$id" = $$ ] && continue
    while read -r what value _; do
      [ "$what" = State: ] && { state=$value; break; }
    done 2>/dev/null <"$folder/status"
    case $state in Z|X) continue ;; esac
    while read -r _ what kind _ hard _; do
      case "$what $kind" in
        'cpu time') seconds=$hard ;;
        'file locks') locks=$hard; break ;;
      esac
    done 2>/dev/null <"$folder/limits"
    if is_spared; then spared="$id $spared"; continue; fi
    left=$((left + 1))
    [ "$state" = T ] || moving=$((moving + 1))
    kill -s $1 "$id" 2>/dev/null
  done
}
freeze() { kill -s STOP -- -1 2>/dev/null; is_frozen=1; }
[ $how != all ] || freeze
tries=0
while each STOP; [ $moving -gt 0 ] && [ $tries -lt 50 ]; do
  tries=$((tries + 1))
  [ $tries -lt 20 ] || freeze
done
while each KILL; [ $left -gt 0 ]; do :; done
[ -z "$is_frozen" ] || kill -s CONT $spared 2>/dev/null
"#;

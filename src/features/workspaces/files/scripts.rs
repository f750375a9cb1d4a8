//! What is run in a container for files. Folders are entered one by one, and each has to be where it is said to be: a link
//! leads elsewhere, and is refused. Whoever is in a folder stays in it, whatever becomes of its name, and as the workspace
//! is a file system of its own, no folder leaves it. The last name is never followed.

/// Exit codes.
pub(super) const NONE: i64 = 66;
pub(super) const LINK: i64 = 67;
pub(super) const TAKEN: i64 = 68;
pub(super) const CHANGED: i64 = 69;

/// In front of names of files that are being uploaded.
macro_rules! unfinished {
    () => {
        ".crawlhub-upload-"
    };
}

pub(super) const UNFINISHED: &str = unfinished!();

/// Enters the folder that the arguments name, from the workspace's own.
macro_rules! enter {
    () => {
        "cd -P . && base=$PWD at=$PWD || exit 66
for part; do
  cd -P \"./$part\" 2>/dev/null && at=$at/$part && [ \"$PWD\" = \"$at\" ] || exit 66
done
"
    };
}

/// The same, and makes those that are not there.
macro_rules! enter_or_make {
    () => {
        "cd -P . && base=$PWD at=$PWD || exit 66
for part; do
  [ -d \"./$part\" ] || mkdir \"./$part\" 2>/dev/null || exit 68
  cd -P \"./$part\" 2>/dev/null && at=$at/$part && [ \"$PWD\" = \"$at\" ] || exit 68
done
"
    };
}

/// Type, size, time and name of each entry of a folder.
pub(super) const LIST: &str = concat!(
    enter!(),
    "exec find . -ignore_readdir_race -mindepth 1 -maxdepth 1 ! -name '",
    unfinished!(),
    r"*' -printf '%y\0%s\0%T@\0%f\0'"
);

pub(super) const MAKE_FOLDER: &str = enter_or_make!();

/// The first argument is the name, the others its folder.
pub(super) const REMOVE: &str = concat!(
    "name=./$1; shift\n",
    enter!(),
    "[ -e \"$name\" ] || [ -L \"$name\" ] || exit 66
exec rm -rf -- \"$name\""
);

/// Says on a line of its own what comes: a file of so many bytes, or a folder as a tar. Without a name: the workspace.
pub(super) const READ: &str = concat!(
    "name=$1; [ $# = 0 ] || shift\n",
    enter!(),
    "if [ -z \"$name\" ]; then echo folder; exec tar -c -f - .; fi
[ ! -L \"./$name\" ] || exit 67
if [ -d \"./$name\" ]; then echo folder; exec tar -c -f - -- \"$name\"; fi
[ -e \"./$name\" ] || exit 66
[ -f \"./$name\" ] || exit 67
size=$(stat -c %s -- \"./$name\") || exit 69
echo \"file $size\"
exec dd if=\"./$name\" iflag=nofollow,nonblock bs=256k status=none"
);

/// Takes a new file under the name that is given. What uploads before have left half-done goes.
pub(super) const RECEIVE: &str = concat!(
    "find . -maxdepth 1 -name '",
    unfinished!(),
    "*' -mmin +60 -delete 2>/dev/null
set -C
exec cat >\"./$1\""
);

/// Forgets it again.
pub(super) const FORGET: &str = "for name; do rm -f -- \"./$name\"; done";

/// Gives what was taken its place: how many there are, `name as-it-is-called-there last` of each, where it goes. Where
/// `last` is not empty and there is a folder `last`, it goes into that under its own name. Says where each is, seen from
/// the workspace.
pub(super) const PLACE: &str = concat!(
    "count=$1; shift\nset -- \"$@\"\nfiles=0\nwhile [ $files -lt $count ]; do
  files=$((files + 1))
  eval \"from_$files=\\$1 name_$files=\\$2 last_$files=\\$3\"
  shift 3
done
",
    enter_or_make!(),
    "into=$PWD
while [ $files -gt 0 ]; do
  eval \"from=\\$from_$files name=\\$name_$files last=\\$last_$files\"
  files=$((files - 1))
  cd \"$into\" && [ \"$PWD\" = \"$into\" ] || exit 68
  if [ -n \"$last\" ]; then
    if [ -d \"./$last\" ] && [ ! -L \"./$last\" ]; then
      cd -P \"./$last\" && [ \"$PWD\" = \"$into/$last\" ] || exit 68
    else
      name=$last
    fi
  fi
  [ ! -d \"./$name\" ] || [ -L \"./$name\" ] || exit 68
  mv -f -T -- \"$base/$from\" \"./$name\" || exit 70
  printf '%s\\n' \"${PWD#\"$base\"}/$name\"
done"
);

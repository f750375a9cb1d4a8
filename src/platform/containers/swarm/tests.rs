use super::{
    Machine,
    making::{is_constraint, parts, reserved},
};
use crate::platform::containers::Limits;

#[test]
fn a_label_is_a_name_and_a_value() {
    assert_eq!(parts("region=eu"), ("region", "eu"));
    assert_eq!(parts("gpu"), ("gpu", "true"));
    for known in ["gpu", "region=eu", "a.b-c_d=1", "_x=y/z"] {
        assert!(is_constraint(known), "{known}");
    }
    for unknown in ["g", "1st", "a/b", "region=", "a=b=c", "=eu"] {
        assert!(!is_constraint(unknown), "{unknown}");
    }
}

#[test]
fn a_machine_has_what_its_labels_say() {
    let labels = [("gpu", "true"), ("region", "eu"), ("disk", "")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let machine = Machine { name: "one".to_owned(), labels, is_ready: true };
    let has = |wanted| machine.has(wanted);
    assert!(has("gpu") && has("region=eu"));
    assert!(!has("region=us") && !has("region") && !has("disk") && !has("disk=") && !has("cpu"));
}

#[test]
fn a_quarter_of_what_it_may_use_is_kept_for_a_container() {
    let limited = reserved(Limits { cpus: 1.0, memory_mb: 1024, processes: 512, file_mb: 0 });
    assert_eq!((limited.nano_cpus, limited.memory_bytes), (Some(250_000_000), Some(256 * 1024 * 1024)));
    let unlimited = reserved(Limits::default());
    assert_eq!((unlimited.nano_cpus, unlimited.memory_bytes), (None, None));
}

use super::{
    Machine,
    making::{is_constraint, parts},
};

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

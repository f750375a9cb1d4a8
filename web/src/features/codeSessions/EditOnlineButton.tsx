interface Props {
  spiderId: string
}

/** The caller's editor of a spider. */
export function EditOnlineButton({ spiderId }: Props) {
  void spiderId
  return null
}

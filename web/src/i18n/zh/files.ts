export default {
  title: 'files',
}

export default {
  title: 'projects',
}

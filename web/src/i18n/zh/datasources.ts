export default {
  title: 'datasources',
}

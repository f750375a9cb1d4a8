export default {
  title: 'schedules',
}

import type { Rule } from 'antd/es/form'

import { parseObject } from './json'

/** Of a text in a form that must be a JSON object, or nothing. */
export const jsonRule = (message: string): Rule => ({
  validator: (_, text: string) => (parseObject(text) ? Promise.resolve() : Promise.reject(new Error(message))),
})

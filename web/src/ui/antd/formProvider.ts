/** All that inputs outside of forms need of them. */
export { FormProvider } from '@rc-component/form/es/FormContext'

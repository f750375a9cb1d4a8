import type { PaginationProps } from 'antd'
import i18n from 'i18next'
import { cloneElement, isValidElement, type HTMLAttributes } from 'react'

/** How a pagination draws its buttons: with names, as some have an icon only. */
export const pageItem: PaginationProps['itemRender'] = (_, type, button) =>
  (type === 'prev' || type === 'next') && isValidElement<HTMLAttributes<HTMLElement>>(button)
    ? cloneElement(button, { 'aria-label': i18n.t(`common:pages.${type}`) })
    : button

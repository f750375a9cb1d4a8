import { InboxOutlined } from '@ant-design/icons'
import { Alert, Flex, Modal, Progress, Upload } from 'antd'
import { useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../api/errors'
import { errorText } from './errorText'

interface Props {
  title: string
  okText: string
  isDanger?: boolean
  /** What the place says in which files are put. */
  chooseText: string
  /** While what was sent is put away. */
  finishText: string
  /** Above several parts that were refused of a file. */
  refusedText?: (count: number) => string
  /** As an input has it. */
  accept?: string
  isSingle?: boolean
  before?: ReactNode
  /** Below what is chosen. */
  children?: (chosen: File[]) => ReactNode
  /** Sends one, and tells how much of it is there, from 0 to 1. */
  send: (file: File, told: (part: number) => void, signal: AbortSignal) => Promise<void>
  /** Whatever came of it. */
  onSettled: () => Promise<unknown>
  onDone: () => void
  onClose: () => void
}

/** Chooses files and sends them, one after the other. */
export function UploadDialog(props: Props) {
  const { chooseText, accept, isSingle, send, onSettled, onDone } = props
  const { t: c } = useTranslation()
  const [chosen, setChosen] = useState<File[]>([])
  const [sent, setSent] = useState<{ part: number; name: string } | null>(null)
  const [error, setError] = useState<unknown>(null)
  const stop = useRef(new AbortController())
  const isSending = sent !== null

  const sendAll = async () => {
    stop.current = new AbortController()
    setError(null)
    // Large ones take their time; empty ones take a little, too.
    const weights = chosen.map(({ size }) => size + 1)
    const all = sum(weights)
    try {
      for (const [i, file] of chosen.entries()) {
        const before = sum(weights.slice(0, i))
        const told = (part: number) => setSent({ part: (before + part * weights[i]!) / all, name: file.name })
        told(0)
        await send(file, told, stop.current.signal)
      }
      onDone()
    } catch (failure) {
      if (!stop.current.signal.aborted) setError(failure)
    } finally {
      setSent(null)
      await onSettled()
    }
  }

  const cancel = () => {
    stop.current.abort()
    props.onClose()
  }

  return (
    <Modal
      open
      title={props.title}
      okText={props.okText}
      okButtonProps={{ danger: props.isDanger, disabled: chosen.length === 0 }}
      cancelText={c('action.cancel')}
      confirmLoading={isSending}
      mask={{ closable: false }}
      onOk={() => void sendAll()}
      onCancel={cancel}
    >
      <Flex vertical gap="middle">
        {props.before}
        <Upload.Dragger
          aria-label={chooseText}
          accept={accept}
          multiple={!isSingle}
          maxCount={isSingle ? 1 : undefined}
          disabled={isSending}
          beforeUpload={() => false}
          fileList={chosen.map((file, i) => ({ uid: String(i), name: file.name, size: file.size, status: 'done' }))}
          onChange={({ fileList }) => {
            setError(null)
            setChosen(fileList.flatMap((entry) => entry.originFileObj ?? chosen[Number(entry.uid)] ?? []))
          }}
        >
          <InboxOutlined style={{ fontSize: 32 }} />
          <div>{chooseText}</div>
        </Upload.Dragger>
        {props.children?.(chosen)}
        {isSending && (
          <div>
            <Progress
              percent={Math.floor(sent.part * 100)}
              format={(percent) => (percent === 100 ? props.finishText : `${percent}%`)}
              aria-label={c('word.uploading')}
            />
            {chosen.length > 1 && <bdi style={{ overflowWrap: 'anywhere' }}>{sent.name}</bdi>}
          </div>
        )}
        {error !== null && <Refusal error={error} titleOf={props.refusedText} />}
      </Flex>
    </Modal>
  )
}

const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0)

/** Each part of it that was refused in a line. */
function Refusal({ error, titleOf }: { error: unknown; titleOf: Props['refusedText'] }) {
  const details = error instanceof ApiError ? error.details : []
  if (!titleOf || details.length < 2) {
    return <Alert type="error" showIcon title={details[0]?.msg ?? errorText(error)} />
  }
  return (
    <Alert
      type="error"
      showIcon
      title={titleOf(details.length)}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 18, maxHeight: 200, overflow: 'auto', overflowWrap: 'anywhere' }}>
          {details.map(({ loc, msg }) => (
            <li key={`${loc} ${msg}`}>
              {loc && <bdi>{loc.replace(/^body\./, '')}: </bdi>}
              {msg}
            </li>
          ))}
        </ul>
      }
    />
  )
}

"""用语: what a request's faults are called, in the language of those who read them.

Marshmallow takes its sentences from its classes; they are set here once, before any field is made.
"""

from __future__ import annotations

from marshmallow import Schema, fields, validate

fields.Field.default_error_messages.update(
    required="缺少该项", null="不得为空值", validator_failed="不合要求"
)
fields.String.default_error_messages.update(invalid="应为文本", invalid_utf8="应为 UTF-8 文本")
fields.Integer.default_error_messages.update(
    invalid="应为整数", too_large="数值过大", special="不得为特殊数值"
)
fields.Number.default_error_messages.update(invalid="应为数值", too_large="数值过大")
fields.Boolean.default_error_messages.update(invalid="应为 true 或 false")
fields.List.default_error_messages.update(invalid="应为列表")
fields.Nested.default_error_messages.update(type="应为对象")
fields.Mapping.default_error_messages.update(invalid="应为对象")
fields.Enum.default_error_messages.update(unknown="应为其中之一: {choices}")
fields.DateTime.default_error_messages.update(
    invalid="应为带时区的 ISO 8601 时间", invalid_awareness="应带时区", format="无法表示为时间"
)
fields.AwareDateTime.default_error_messages.update(invalid_awareness="应带时区，如 +08:00")
fields.Date.default_error_messages.update(
    invalid="应为日期，如 2021-03-01", format="无法表示为日期"
)

validate.Length.message_min = "不得短于 {min}"
validate.Length.message_max = "不得长于 {max}"
validate.Length.message_all = "长度应在 {min} 至 {max} 之间"
validate.Length.message_equal = "长度应为 {equal}"
validate.Range.message_min = "不得小于 {{min}}"
validate.Range.message_max = "不得大于 {{max}}"
validate.Range.message_all = "应在 {{min}} 至 {{max}} 之间"

Schema.error_messages = {"unknown": "没有这一项", "type": "应为对象"}

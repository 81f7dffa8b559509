from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IdType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ID_TYPE_UNSPECIFIED: _ClassVar[IdType]
    ID_TYPE_USCC: _ClassVar[IdType]
    ID_TYPE_RESIDENT_ID: _ClassVar[IdType]

class SubjectKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBJECT_KIND_UNSPECIFIED: _ClassVar[SubjectKind]
    SUBJECT_KIND_ENTERPRISE: _ClassVar[SubjectKind]
    SUBJECT_KIND_INDIVIDUAL_BUSINESS: _ClassVar[SubjectKind]
    SUBJECT_KIND_FARMERS_COOPERATIVE: _ClassVar[SubjectKind]
    SUBJECT_KIND_BRANCH: _ClassVar[SubjectKind]
    SUBJECT_KIND_SOCIAL_ORGANISATION: _ClassVar[SubjectKind]
    SUBJECT_KIND_PUBLIC_INSTITUTION: _ClassVar[SubjectKind]
    SUBJECT_KIND_NATURAL_PERSON: _ClassVar[SubjectKind]
ID_TYPE_UNSPECIFIED: IdType
ID_TYPE_USCC: IdType
ID_TYPE_RESIDENT_ID: IdType
SUBJECT_KIND_UNSPECIFIED: SubjectKind
SUBJECT_KIND_ENTERPRISE: SubjectKind
SUBJECT_KIND_INDIVIDUAL_BUSINESS: SubjectKind
SUBJECT_KIND_FARMERS_COOPERATIVE: SubjectKind
SUBJECT_KIND_BRANCH: SubjectKind
SUBJECT_KIND_SOCIAL_ORGANISATION: SubjectKind
SUBJECT_KIND_PUBLIC_INSTITUTION: SubjectKind
SUBJECT_KIND_NATURAL_PERSON: SubjectKind

class SubjectClaim(_message.Message):
    __slots__ = ("id_type", "id")
    ID_TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    id_type: IdType
    id: str
    def __init__(self, id_type: _Optional[_Union[IdType, str]] = ..., id: _Optional[str] = ...) -> None: ...

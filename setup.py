"The fields that pyproject.toml calls `dynamic`, from settings.ini"
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

ini = ConfigParser(delimiters=['='])
ini.read(Path(__file__).parent/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
extra = '_requirements'

def lines(key): return [o.strip() for o in cfg[key].splitlines() if o.strip()]

setup(
    install_requires=lines('requirements'),
    extras_require={k.removesuffix(extra): lines(k) for k in cfg if k.endswith(extra)},
    entry_points={'console_scripts': lines('console_scripts')},
    keywords=cfg['keywords'].split(),
    classifiers=lines('classifiers'))

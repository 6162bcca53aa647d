from leadtrace.cli import main

main(prog_name="leadtrace")
